/**
 * How long the edge host takes to erase a subject with 10,000 records while others are decided about. From: edge.ts.
 *
 * Real decisions fill the chain, one after the other as they are one person's; an erasure that is `pending` is asked for again.
 */
import { load, type Target } from './edge-target.ts'
import { apiCall } from './processes.ts'

const RECORDS = 10_000
/** They wait for the subject's turn: a few keep the queue filled. */
const IN_FLIGHT = 8
/** Longer than an erasure takes. */
const BESIDE_SECONDS = 10

export interface EdgeErasure {
  readonly records: number
  readonly took_ms: number
  readonly asked: number
}

export async function eraseBeside(target: Target): Promise<EdgeErasure> {
  const { url, headers } = target
  const subject = 'erased'
  let next = 0
  const filling = async (): Promise<void> => {
    while (next++ < RECORDS) await apiCall(url, 'POST', '/v1/decisions', question(subject), headers)
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, filling))
  const beside = load(target, BESIDE_SECONDS)
  const began = performance.now()
  const erase = async (): Promise<Erasure> =>
    (await apiCall(
      url,
      'DELETE',
      `/v1/subjects/${subject}`,
      { basis: 'bench' },
      headers,
    )) as Erasure
  let asked = 1
  let answer = await erase()
  for (; answer.state === 'pending'; asked++) answer = await erase()
  const took_ms = performance.now() - began
  await beside
  const records = answer.counts?.records ?? 0
  if (answer.state !== 'done' || records < RECORDS)
    throw new Error(`expected an erasure of ${RECORDS} records, not ${JSON.stringify(answer)}`)
  return { records, took_ms, asked }
}

interface Erasure {
  readonly state: string
  readonly counts?: { readonly records: number }
}

function question(subject: string): object {
  const facts = { created_at: '2020-01-01T00:00:00Z', followers: 120, labels: [] }
  return { subject, stream: { id: 'one' }, request: { territory: 'FR', ingest: 'rtmp' }, facts }
}
