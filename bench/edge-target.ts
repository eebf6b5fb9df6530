/**
 * What bench/edge.ts loads, and with which questions: 1,000 subjects, each starting its one channel again and again.
 */
import { generateLoad, type Loaded } from './generator.ts'

const CONNECTIONS = 32
const SUBJECTS = 1_000

/** A server under load. */
export interface Target {
  readonly name: string
  readonly url: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
}

/** Bodies of all subjects. */
export const QUESTIONS: readonly string[] = Array.from({ length: SUBJECTS }, (_, i) =>
  JSON.stringify({
    subject: `u${i}`,
    stream: { id: `b${i}`, audience: 'public', category: 'irl' },
    request: { territory: 'FR', ingest: 'rtmp' },
    facts: { created_at: '2020-01-01T00:00:00Z', followers: 120, labels: [] },
  }),
)

/** Rejects when a single answer is not 2xx. */
export function load({ url, path, headers }: Target, seconds: number): Promise<Loaded> {
  const bodies = QUESTIONS
  return generateLoad({ url, path, headers, bodies, connections: CONNECTIONS, seconds })
}
