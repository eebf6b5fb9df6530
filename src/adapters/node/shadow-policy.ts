/**
 * The file of a candidate in the shadow: watched like the policy that decides, and of no consequence whatever it holds.
 *
 * A file that is missing or does not compile is told in `/readyz` and stops nothing, not even a start; what was looked at
 * before goes on being looked at. Judging is gate/shadow.ts.
 */
import { compilePolicy } from '../../core/policy/compile.ts'
import { createShadow, type Shadow, type ShadowParts } from '../../gate/shadow.ts'
import { openPolicyFile, type PolicyFile } from './policy-files.ts'

export interface ShadowPolicy extends Shadow, Pick<PolicyFile, 'status' | 'reload'> {}

export async function openShadowPolicy(
  parts: ShadowParts & {
    readonly path: string
    /** Told why the file cannot be read. */
    readonly onError: (error: unknown) => void
  },
): Promise<ShadowPolicy> {
  const shadow = createShadow(parts)
  const file = await openPolicyFile({
    path: parts.path,
    compile: (bytes, name) => compilePolicy(bytes, { file: name }),
    activate: async (_bytes, plan) => shadow.use(plan),
    decided: () => true,
    onError: parts.onError,
  })
  return {
    ...shadow,
    status: file.status,
    reload: file.reload,
    stop() {
      file.stop()
      shadow.stop()
    },
  }
}
