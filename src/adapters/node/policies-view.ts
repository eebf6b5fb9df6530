/**
 * Policy revisions as the API shows them: the log's texts, with the name each gives itself and which one is active.
 */
import { reignsOf } from '../../core/policy/activation.ts'
import { compilePolicy } from '../../core/policy/compile.ts'
import type { EpochMs } from '../../core/time.ts'
import type { PolicyBook } from '../../gate/policy-book.ts'
import type { Clock } from '../../ports.ts'
import type { PolicyTexts } from '../sqlite/policy-texts.ts'

/** One text; `activated_at` is when it last began to decide, or when it was logged if it never has. */
export interface Revision {
  readonly name: string
  readonly digest: string
  readonly active: boolean
  readonly activated_at: EpochMs | null
}

/** Names are found once: what is under a digest never changes. */
export function policiesView(
  texts: PolicyTexts,
  policies: Pick<PolicyBook, 'now' | 'activations'>,
  clock: Clock,
): { list(): readonly Revision[]; text(digest: string): Uint8Array | null } {
  const names = new Map<string, string>()
  const nameOf = (digest: string): string => {
    const known = names.get(digest)
    if (known !== undefined) return known
    const compiled = compilePolicy(texts.text(digest) ?? new Uint8Array(), { file: digest })
    // A revision of an older language version may no longer compile; its text is still its text.
    const name = compiled.ok ? compiled.value.plan.name : 'unknown'
    names.set(digest, name)
    return name
  }
  return {
    list() {
      const active = policies.now()?.plan.digest
      const begun = new Map<string, EpochMs>()
      for (const { digest, active_from } of reignsOf(policies.activations()))
        if (active_from <= clock.now()) begun.set(digest, active_from)
      return texts.list().map(({ digest, logged_at }) => ({
        name: nameOf(digest),
        digest,
        active: digest === active,
        activated_at: begun.get(digest) ?? logged_at,
      }))
    },
    text: (digest) => texts.text(digest),
  }
}
