// ask.ts: one question, and what each kind of answer means
import { createClient, type DecisionQuestion } from '../../src/index.ts'

export async function mayStart(
  gate: { readonly url: string; readonly key: string; readonly fetch?: typeof fetch },
  question: DecisionQuestion,
): Promise<string> {
  const client = createClient({ ...gate, fail: 'closed', timeout_ms: 2_000 })
  const result = await client.decide(question)
  if (!result.verified) return `nobody knows: ${result.cause}` // `result.outcome` is what `fail` says
  const { outcome, lease_until, until, not_before } = result.answer
  if (lease_until !== undefined) return `start, and ask again before ${lease_until}`
  return outcome === 'deny' ? `not until ${until ?? 'further notice'}` : `wait until ${not_before}`
}
