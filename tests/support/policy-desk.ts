/**
 * A desk for policies over a list in memory, and the book that decides by it: real proposals, real plans, no log of its own.
 */
import type { Activation } from '../../src/core/model.ts'
import { propose, type Wish } from '../../src/core/policy/activation.ts'
import { compilePolicy } from '../../src/core/policy/compile.ts'
import type { Plan } from '../../src/core/policy/plan.ts'
import { activationDraft, type RecordDraft } from '../../src/core/record/drafts.ts'
import { policyDigest, policyDrafts } from '../../src/core/record/policy-parts.ts'
import { createPolicyBook, type PolicyBook } from '../../src/gate/policy-book.ts'
import { createPolicyDesk, type PolicyDesk } from '../../src/gate/policy-desk.ts'
import type { ReportSources } from '../../src/gate/policy-report.ts'
import type { Clock } from '../../src/ports.ts'

export interface TestDesk {
  readonly desk: PolicyDesk
  readonly book: PolicyBook
  /** Puts the first text in force, as a file would. */
  begin(bytes: Uint8Array): Promise<void>
}

export function aDesk(parts: {
  readonly clock: Clock
  readonly lead_ms?: number
  /** Where records go before anything decides by them. */
  readonly append?: (drafts: readonly RecordDraft[]) => Promise<void>
  readonly sources?: Partial<ReportSources>
}): TestDesk {
  const { clock, lead_ms = 0, append = async () => {} } = parts
  const book = createPolicyBook(clock)
  const texts = new Map<string, Uint8Array>()
  const known: Activation[] = []
  /** Commits one after another. */
  let last: Promise<unknown> = Promise.resolve()
  const text = (digest: string): Uint8Array | null => texts.get(digest) ?? null

  async function put(activation: Activation, bytes: Uint8Array): Promise<void> {
    const drafts = texts.has(activation.digest) ? [] : policyDrafts(bytes)
    await append([...drafts, activationDraft(activation)])
    texts.set(activation.digest, bytes)
    known.push(activation)
    book.learn(known, text)
  }

  const desk = createPolicyDesk({
    ...{
      clock: { now: book.instant },
      lead_ms,
      text,
      activations: () => known,
      planOf: (digest) => planOf(text(digest)),
    },
    commit: (wish: Wish, bytes) => {
      const turn = last.then(async () => {
        const proposed = propose(known, wish, { now: book.instant(), lead_ms })
        if (proposed.is !== 'new') return proposed
        const { activation } = proposed
        await put(activation, bytes ?? text(activation.digest) ?? new Uint8Array())
        return proposed
      })
      last = turn.catch(() => undefined)
      return turn
    },
    sources: () => ({
      ...{ max_decisions: 1_000, default_decisions: 100 },
      recent: async function* () {},
      struck: async function* () {},
      pause: async () => {},
      ...parts.sources,
    }),
  })
  return {
    ...{ desk, book },
    async begin(bytes) {
      const plan = planOf(bytes)
      if (plan === null) throw new Error('the first policy does not compile')
      const now = clock.now()
      const { name } = plan
      const digest = policyDigest(bytes)
      const first = { revision: 1, digest, name, active_from: now, scheduled: false }
      const said = { previous: null, cause: 'activation', source: 'file', by: 'livegate' } as const
      await put({ ...first, ...said, note: null }, bytes)
    },
  }
}

function planOf(bytes: Uint8Array | null): Plan | null {
  const compiled = bytes === null ? null : compilePolicy(bytes, { file: 'policy.yaml' })
  return compiled?.ok === true ? compiled.value.plan : null
}
