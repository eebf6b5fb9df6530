/**
 * What only who audits several logs of one deployment can see: a subject's records are all in one of them.
 *
 * Each log has had its own audit (audit.ts); here their chains meet. A chain taken over from a predecessor counts in a
 * log only once it has records there. Spec: docs/spec/log.md, "Closing a log".
 */
import { Chains } from './chains.ts'
import type { AuditState } from './state.ts'

/** What the cross check needs of one log's audit. */
export interface LogChains {
  readonly origin: string
  /** `audit.chainFirsts()`. */
  readonly firsts: ReadonlyMap<string, number>
}

export interface ChainPlace {
  readonly origin: string
  /** Of the chain's first record in that log. */
  readonly index: number
}

export interface AcrossFinding {
  readonly code: 'chain_in_two_logs'
  readonly places: readonly ChainPlace[]
  /** Names no subject: the entries can be looked up by whoever may. */
  readonly message: string
}

export interface AcrossReport {
  /** Different chains met. */
  readonly chains: number
  /** All of them, also those whose text was not kept. */
  readonly total: number
  readonly findings: readonly AcrossFinding[]
}

/** Findings kept with their text; beyond this they are only counted. */
const MAX_KEPT = 1000

/**
 * Chains of a log as far as an earlier audit came: all of them, so that two halves of a chain meet whichever run saw
 * them. Null when the state is of a time before it was remembered where a chain begins.
 */
export function chainsOfState({ origin, chains, succession }: AuditState): LogChains | null {
  const firsts = new Chains(chains).firsts()
  // Only a chain that was taken over may be without records here.
  const complete = firsts.size === Object.keys(chains.heads).length
  return complete || succession?.predecessor ? { origin, firsts } : null
}

/** Compares the chains of logs of different origins, none of which goes on from another. */
export function acrossLogs(logs: readonly LogChains[]): AcrossReport {
  const findings: AcrossFinding[] = []
  let [chains, total] = [0, 0]
  for (const [i, { firsts }] of logs.entries()) {
    const earlier = logs.slice(0, i)
    for (const sub of firsts.keys()) {
      // Told once, in the first of its logs.
      if (earlier.some((log) => log.firsts.has(sub))) continue
      chains++
      const places = placesOf(sub, logs)
      if (places.length < 2) continue
      total++
      if (findings.length < MAX_KEPT) findings.push(findingOf(places))
    }
  }
  return { chains, total, findings }
}

function placesOf(sub: string, logs: readonly LogChains[]): readonly ChainPlace[] {
  return logs.flatMap(({ origin, firsts }) => {
    const index = firsts.get(sub)
    return index === undefined ? [] : [{ origin, index }]
  })
}

function findingOf(places: readonly ChainPlace[]): AcrossFinding {
  const where = places.map(({ origin, index }) => `in \`${origin}\` from index ${index}`)
  return {
    code: 'chain_in_two_logs',
    places,
    message: `One chain has records ${where.join(' and ')}; a subject's are all in one log`,
  }
}
