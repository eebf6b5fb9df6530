/** `default: deny`, under which nobody can ever go live. */
import type { LintCheck } from '../check.ts'

export const defaultDeny: LintCheck = {
  code: 'default-deny',
  severity: 'error',
  about: 'The default is deny, so nobody can ever go live',
  *run({ source }) {
    if (source.default?.value !== 'deny') return
    yield {
      at: source.default,
      message:
        'the default takes part in every decision and cannot be lifted, so nobody can ever go live',
      hint: 'write `default: allow`, and what is denied as rules',
    }
  },
}
