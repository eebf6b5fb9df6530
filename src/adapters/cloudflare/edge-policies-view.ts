/**
 * Policy texts as the API shows them: what the logs hold, and which of it decides.
 *
 * A revision is logged in each shard before its first use there, so shards may differ for a while; here they are one
 * list. Names are found once an isolate: what is under a digest never changes.
 */
import { compilePolicy } from '../../core/policy/compile.ts'
import type { EpochMs } from '../../core/time.ts'
import type { EdgePolicies } from './edge-policies.ts'
import { opened, type SequencerRpc } from './rpc.ts'

/** One revision; `activated_at` is when its text was first logged. */
export interface EdgeRevision {
  readonly name: string
  readonly digest: string
  readonly active: boolean
  readonly activated_at: EpochMs | null
}

export interface EdgePoliciesView {
  list(): Promise<readonly EdgeRevision[]>
  text(digest: string): Promise<Uint8Array | null>
}

export function createEdgePoliciesView(
  logs: readonly Pick<SequencerRpc, 'policies'>[],
  policies: Pick<EdgePolicies, 'active' | 'text'>,
): EdgePoliciesView {
  const names = new Map<string, string>()
  const { text } = policies

  async function nameOf(digest: string): Promise<string> {
    const known = names.get(digest)
    if (known !== undefined) return known
    const compiled = compilePolicy((await text(digest)) ?? new Uint8Array(), { file: digest })
    // A revision of an older language version may no longer compile; its text is still its text.
    const name = compiled.ok ? compiled.value.plan.name : 'unknown'
    names.set(digest, name)
    return name
  }

  return {
    text,
    async list() {
      const active = await policies.active()
      names.set(active.plan.digest, active.plan.name)
      const logged = await Promise.all(logs.map((log) => opened(log.policies())))
      const first = new Map<string, EpochMs | null>([[active.plan.digest, null]])
      for (const { digest, activated_at } of logged.flat())
        first.set(digest, earlier(first.get(digest) ?? null, activated_at))
      const revisions = await Promise.all(
        [...first].map(async ([digest, activated_at]) => ({
          name: await nameOf(digest),
          digest,
          active: digest === active.plan.digest,
          activated_at,
        })),
      )
      return revisions.sort((a, b) => (b.activated_at ?? 0) - (a.activated_at ?? 0))
    },
  }
}

function earlier(a: EpochMs | null, b: EpochMs | null): EpochMs | null {
  if (a === null || b === null) return a ?? b
  return a < b ? a : b
}
