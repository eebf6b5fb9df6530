/**
 * Follows a deployment from one log into the next: what closed the old one, and what the new one says of it.
 *
 * A closing record is the last entry of its log and names who may go on. A predecessor record stands in the new log before
 * any chain and holds the final checkpoint of the old one. Given the audit of the old log, both are compared and every
 * chain goes on where it ended there, and numbers of activations go on; without it, that is said and nothing is assumed. Spec: docs/spec/log.md, "Closing a log".
 */
import type { OwnClaims } from '../record/groups.ts'
import { parseCheckpoint } from '../tlog/checkpoint.ts'
import { sameHash } from '../tlog/hash.ts'
import { parseNote } from '../tlog/note.ts'
import type { Activations, PriorActivation } from './activations.ts'
import type { Chains, ChainsState } from './chains.ts'
import type { Findings } from './findings.ts'
import type { AuditReplay } from './replay/audit-replay.ts'
import type { ChainReplayState } from './replay/replay-state.ts'
import type { SignedHead } from './tree.ts'

/** What the audit of a log leaves to the audit of the one that continues it. */
export interface PredecessorAudit {
  readonly origin: string
  /** Verifier key it was audited under. */
  readonly vkey: string
  /** Of every checkpoint key it names; absent in what was written before they were followed. */
  readonly vkeys?: readonly string[]
  /** Its newest checkpoint, the note verified. */
  readonly head: SignedHead
  /** Who may go on; null when its last entry closes nothing. */
  readonly successors: readonly string[] | null
  /** `x` of every record key it or its own predecessors brought into force, revoked ones left out. */
  readonly keys: readonly string[]
  readonly chains: ChainsState
  /** Absent when replay was left out. */
  readonly replay?: ChainReplayState
  /** Every one it has, by number; absent in what was written before they moved. */
  readonly activations?: readonly PriorActivation[]
}

export interface SuccessionState {
  readonly closing: { readonly index: number; readonly successors: readonly string[] } | null
  readonly predecessor: NamedPredecessor | null
}

interface NamedPredecessor {
  readonly origin: string
  /** False when the old log was not there to compare with. */
  readonly checked: boolean
  readonly keys: readonly string[]
}

const NEITHER: SuccessionState = { closing: null, predecessor: null }

export class Succession {
  readonly #origin: string
  readonly #given: PredecessorAudit | null
  #closing: SuccessionState['closing']
  #predecessor: SuccessionState['predecessor']

  /** `origin` of the log under audit; `given` is the old log's audit, when there is one. */
  constructor(
    origin: string,
    given: PredecessorAudit | null,
    { closing, predecessor }: SuccessionState = NEITHER,
  ) {
    this.#origin = origin
    this.#given = given
    this.#closing = closing
    this.#predecessor = predecessor
  }

  /** Called for every entry, before what it says is looked at. */
  entry(index: number, findings: Findings): void {
    if (this.#closing !== null)
      findings.add('after_closing', index, `The log was closed by entry ${this.#closing.index}`)
  }

  close({ successors }: OwnClaims['closing'], index: number): void {
    this.#closing ??= { index, successors }
  }

  /** A predecessor record: from here on chains may go on instead of beginning. */
  follow(
    claims: OwnClaims['predecessor'],
    at: {
      readonly index: number
      readonly chains: Chains
      readonly activations: Activations
      readonly replay: AuditReplay | null
      readonly findings: Findings
    },
  ): void {
    const { index, chains, activations, replay, findings } = at
    const { predecessor: origin, keys } = claims
    if (this.#predecessor !== null || chains.begun()) {
      findings.add('predecessor_late', index, 'A predecessor is named after chains have begun')
      return
    }
    const given = this.#given?.origin === origin ? this.#given : null
    this.#predecessor = { origin, keys, checked: given !== null }
    if (given === null) {
      chains.follow({ heads: {}, unopened: 0, elsewhere: true })
      const message = `The chains of this log go on from \`${origin}\`, which was not audited with it`
      findings.note('predecessor_unchecked', index, message)
      return
    }
    for (const fault of faultsOf(claims, given)) findings.add('predecessor_false', index, fault)
    if (given.successors?.includes(this.#origin) !== true)
      findings.add(
        'predecessor_open',
        index,
        `\`${origin}\` ${given.successors === null ? 'is not closed' : 'is closed, but names other successors'}`,
      )
    chains.follow(given.chains)
    replay?.take(given.replay)
    activations.follow(given.activations ?? [])
  }

  /** A log that is named as the successor must say so itself. */
  finish(findings: Findings): void {
    const named = this.#given?.successors?.includes(this.#origin) === true
    if (named && this.#predecessor?.origin !== this.#given?.origin)
      findings.add(
        'predecessor_missing',
        null,
        `\`${this.#given?.origin}\` was closed in favour of this log, which does not name it`,
      )
  }

  /** Who may go on with a log of this size; null while it is open. */
  successors(size: number): readonly string[] | null {
    return this.#closing?.index === size - 1 ? this.#closing.successors : null
  }

  predecessor(): NamedPredecessor | null {
    return this.#predecessor
  }

  state(): SuccessionState {
    return { closing: this.#closing, predecessor: this.#predecessor }
  }
}

/** Where the record and the old log contradict each other. */
function faultsOf(claims: OwnClaims['predecessor'], given: PredecessorAudit): readonly string[] {
  const faults: string[] = []
  if (claims.vkey !== given.vkey && given.vkeys?.includes(claims.vkey) !== true)
    faults.push('It names another verifier key than the one given')
  const head = headIn(claims.checkpoint)
  if (head === null) faults.push('Its checkpoint is none')
  else if (
    head.origin !== given.origin ||
    head.size !== given.head.size ||
    !sameHash(head.root, given.head.root)
  )
    faults.push(
      `Its checkpoint is not the final one of \`${given.origin}\`; here:\n${claims.checkpoint}\nthere:\n${given.head.note}`,
    )
  const known = new Set(given.keys)
  if (claims.keys.length !== known.size || !claims.keys.every((x) => known.has(x)))
    faults.push('It names other record keys than the old log brought into force')
  return faults
}

function headIn(
  note: string,
): { readonly origin: string; readonly size: number; readonly root: Uint8Array } | null {
  const parsed = parseNote(note)
  const head = parsed.ok ? parseCheckpoint(parsed.value.body) : parsed
  return head.ok ? head.value : null
}
