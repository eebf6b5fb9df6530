/**
 * The file of states in lines: one for each log, one for each chain, a digest at the end.
 *
 *     {"livegate":"audit-state/v2"}
 *     {"log":"gate.example/log/0","checkpoint":"…","chains":1,"audit":{… without its chains}}
 *     ["<pseudonym>",seq,at,unopened,first,"<leaf>.<leaf>",<its replay, if there is something to remember>]
 *     {"end":"<SHA-256 of all lines before>"}
 *
 * A line a chain, of at most 840 bytes and 110 a strike, so that neither writing nor reading ever holds the file as one string. The digest finds damage: a
 * state with a changed bit would make an honest log look like a liar. It does not find forgery. From: audit-state.ts.
 */
import type { ChainHead } from '../../core/audit/chains.ts'
import type { PackedMemory } from '../../core/audit/replay/replay-state.ts'
import { type AuditState, chainsIn, type StoredChain } from '../../core/audit/state.ts'
import type { SignedHead } from '../../core/audit/tree.ts'

export const FIRST_LINE = '{"livegate":"audit-state/v2"}'

/** What stands before the chains of a log. */
export interface LogLine {
  readonly log: string
  readonly checkpoint: string
  /** Lines of chains that follow. */
  readonly chains: number
  /** Its `heads` are those lines. */
  readonly audit: AuditState
}

/** The chains of a state, told apart from it: one by one, and how many. */
export interface ToldChains {
  readonly count: number
  readonly each: Iterable<StoredChain>
}

/** The lines of one log, without their ends; `chains` where the state comes without them. */
export function* linesOf(
  { note }: SignedHead,
  state: AuditState,
  chains: ToldChains = {
    count: Object.keys(state.chains.heads).length,
    each: chainsIn(state),
  },
): Generator<string> {
  const { replay } = state
  const audit: AuditState = {
    ...state,
    chains: { ...state.chains, heads: {} },
    ...(replay === undefined ? {} : { replay: { ...replay, chains: {} } }),
  }
  const line: LogLine = { log: state.origin, checkpoint: note, chains: chains.count, audit }
  yield JSON.stringify(line)
  for (const chain of chains.each) yield chainLine(chain)
}

function chainLine({ sub, head, memory }: StoredChain): string {
  const { seq, at, unopened, first, leaves } = head
  const text = typeof leaves === 'string' ? leaves : leaves.join('.')
  const line = [sub, seq, at, unopened, first ?? null, text]
  return JSON.stringify(memory === undefined ? line : [...line, memory])
}

/** Null for anything but such a line. */
export function parseLogLine(line: string): LogLine | null {
  const value = parsed(line) as Partial<LogLine> | null
  const { log, checkpoint, chains, audit } = value ?? {}
  if (typeof log !== 'string' || typeof checkpoint !== 'string') return null
  if (!Number.isSafeInteger(chains) || chains === undefined || chains < 0) return null
  return audit === undefined ? null : { log, checkpoint, chains, audit }
}

/** Null for anything but such a line. */
export function parseChainLine(line: string): StoredChain | null {
  const value = parsed(line)
  if (!Array.isArray(value)) return null
  const [sub, seq, at, unopened, first, leaves, memory] = value as unknown[]
  if (typeof sub !== 'string' || typeof leaves !== 'string') return null
  if (typeof seq !== 'number' || typeof at !== 'number' || typeof unopened !== 'number') return null
  const begun = typeof first === 'number' ? { first } : {}
  const head: ChainHead = { seq, at, unopened, leaves, ...begun }
  // The digest of the file has been compared: it is as it was written.
  return memory === undefined ? { sub, head } : { sub, head, memory: memory as PackedMemory }
}

/** The last line of a file whose lines before it have this digest, base64url. */
export function endLine(digest: string): string {
  return JSON.stringify({ end: digest })
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return null
  }
}
