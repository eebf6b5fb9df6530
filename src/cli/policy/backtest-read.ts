/**
 * Opens what was recorded of a decision, as fast as strictness allows: what is taken for the facts of a record is what
 * the record commits to, and has the shape of facts.
 *
 * No signature is checked here, and no other group is opened: `log audit` does both. From: backtest-desk.ts.
 */
import type { Recorded } from '../../core/policy/compare/backtest.ts'
import { ENGINE } from '../../core/policy/plan.ts'
import { claimCheck } from '../../core/record/claims.ts'
import { decodeFacts } from '../../core/record/decode-facts.ts'
import { parseRecord } from '../../core/record/parse.ts'
import { nodeHasher } from '../log/ed25519.ts'

/** The two groups a replay needs. */
export interface Groups {
  readonly facts: string | undefined
  readonly result: string | undefined
}

export type Opened = Recorded | 'no_disclosure' | 'unreadable' | 'other_engine'

/**
 * A decision of the log with what is disclosed of it; null for a record of another kind. `committed`: the disclosures come
 * from outside, and count only if the record commits to them.
 */
export function openDecision(jws: string, groups: () => Groups, committed: boolean): Opened | null {
  const parsed = parseRecord(jws)
  if (!parsed.ok) return 'unreadable'
  const { kind, claims, digests } = parsed.value
  if (kind !== 'decision') return null
  if (claims.engine !== ENGINE) return 'other_engine'
  const { facts: factsText, result: resultText } = groups()
  if (factsText === undefined || resultText === undefined) return 'no_disclosure'
  if (committed && ![factsText, resultText].every((text) => isOf(digests, text)))
    return 'no_disclosure'
  const facts = decodeFacts(disclosedIn(factsText))
  const result = disclosedIn(resultText)
  if (!facts.ok || RESULT(result) !== null) return 'unreadable'
  const { outcome, jti: id, policy, revision = null } = claims
  const said = { outcome, ...(result as Omit<Recorded['said'], 'outcome'>) }
  return { id, policy, revision, facts: facts.value, said }
}

const RESULT = claimCheck('decision', 'result')

function isOf(digests: readonly string[], disclosure: string): boolean {
  return digests.includes(nodeHasher.digestText(disclosure))
}

/** Where disclosures are decoded: a buffer for each costs more than what is in it. */
const ROOM: Buffer = Buffer.allocUnsafeSlow(64 * 1024)

function decoded(disclosure: string): string {
  if (disclosure.length > ROOM.length) return Buffer.from(disclosure, 'base64url').toString()
  return ROOM.toString('utf8', 0, ROOM.write(disclosure, 'base64url'))
}

function disclosedIn(disclosure: string): unknown {
  try {
    // What is in the log is this spelling of it and no other: it has been hashed, so nothing hangs on how it is decoded.
    const parsed: unknown = JSON.parse(decoded(disclosure))
    return Array.isArray(parsed) ? parsed[2] : undefined
  } catch {
    return undefined
  }
}

/** `["` and 22 characters of salt and `","` are 27 bytes: the group begins at a whole number of base64 characters. */
const GROUP_AT = 36
const FACTS: string = Buffer.from('facts"').toString('base64url')
const RESULT_GROUP: string = Buffer.from('result').toString('base64url')

/** Which of a record's disclosures are the two. */
export function pickGroups(disclosures: readonly string[]): Groups {
  return {
    facts: disclosures.find((text) => text.startsWith(FACTS, GROUP_AT)),
    result: disclosures.find((text) => text.startsWith(RESULT_GROUP, GROUP_AT)),
  }
}
