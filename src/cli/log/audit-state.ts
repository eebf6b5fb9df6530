/**
 * Where the last clean audits stopped: per log the checkpoint trusted since then and core's state, in one file of the
 * auditor's.
 *
 * It must be kept like the verifier keys: whoever can change it can hide a lie. A log's state moves only when its own
 * audit was clean; one that was not, or could not be finished, keeps the state it had. All are written at once, at the end.
 * Form: audit-state-form.ts. From: commands/log-audit.ts, audit-logs.ts.
 */
import { chainsOfState, type LogChains } from '../../core/audit/across.ts'
import type { AuditState } from '../../core/audit/state.ts'
import type { SignedHead } from '../../core/audit/tree.ts'
import { openCheckpoint } from '../../core/tlog/checkpoint.ts'
import { type CliFailure, failureOf, incomplete, usage } from '../failure.ts'
import { quote, type Session } from '../session.ts'
import type { ToldChains } from './audit-state-form.ts'
import type { ChainsInFile, StateFile, StateInFile } from './audit-state-read.ts'
import { damaged, MAX_LINE_BYTES, MAX_STATE_BYTES, openStateFile } from './audit-state-read.ts'
import { createStateWriter, type StateWriter } from './audit-state-write.ts'
import type { LogKey } from './head.ts'
import { withLearned } from './head-signers.ts'

/** Where the audit of one log goes on; nothing when it begins. */
export interface StoredAudit {
  readonly trusted: SignedHead | null
  readonly state: AuditState | null
  /** Those of the state, where it comes without them. */
  readonly chains: ChainsInFile | null
}

/** The states of all logs of one run. */
export interface AuditStates {
  /** Origins with a state from before. */
  readonly stored: ReadonlySet<string>
  /** All but the chains; null without one. */
  stateOf(origin: string): AuditState | null
  /** With the chains, on their way. */
  before(origin: string): Promise<StoredAudit>
  /** Where the chains of a log stand whose audit this run could not finish; null without a state. */
  standing(origin: string): Promise<LogChains | null>
  /** Remembers a clean audit, for `commit`; one that says what is there already need not be written. */
  keep(head: SignedHead, audit: AuditToKeep): Promise<void>
  /** Writes what was kept, and of all other logs what was there. Returns what went wrong, which is no fault of a log. */
  commit(): Promise<CliFailure | null>
  /** What was not committed is forgotten. */
  close(): Promise<void>
}

export interface StatesRequest {
  /** Null without --state. */
  readonly path: string | null
  /** Of every log of the run. */
  readonly keys: ReadonlyMap<string, LogKey>
  /** False: read only. */
  readonly update: boolean
}

/** A clean audit; its chains are gone through only when they are written. */
export interface AuditToKeep {
  readonly state: AuditState
  readonly chains: ToldChains
}

const NONE: StoredAudit = { trusted: null, state: null, chains: null }

/** Reads the states, and makes sure that they are of the logs of this run. */
export async function openStates(session: Session, request: StatesRequest): Promise<AuditStates> {
  const { path, keys, update } = request
  const several = keys.size > 1
  if (path === null)
    return new RunStates({ path: '', file: null, trusted: new Map(), writer: null, several })
  const file = await openStateFile(path)
  try {
    const trusted = file === null ? new Map() : await trustedHeads(session, { path, keys, file })
    const limits = { bytes: MAX_STATE_BYTES, line_bytes: MAX_LINE_BYTES }
    const writer = update ? await createStateWriter(path, limits) : null
    return new RunStates({ path, file, trusted, writer, several })
  } catch (thrown) {
    await file?.close()
    throw thrown
  }
}

interface OpenedFile {
  readonly path: string
  readonly keys: ReadonlyMap<string, LogKey>
  readonly file: StateFile
}

async function trustedHeads(
  session: Session,
  { path, keys, file }: OpenedFile,
): Promise<ReadonlyMap<string, SignedHead>> {
  const missing = [...file.logs.keys()].filter((origin) => !keys.has(origin))
  const list = missing.map(quote).join(', ')
  if (missing.length === file.logs.size)
    throw usage(
      `Cannot resume audit from ${quote(path)}: it is of another deployment, of ${list}`,
      'give the --state of these logs, or the name of a new file',
    )
  if (missing.length > 0)
    throw usage(
      `Cannot resume audit from ${quote(path)}: it also holds ${list}, expected all its logs in one run`,
      'give that log and its --vkey too, or use another --state',
    )
  for (const origin of keys.keys())
    if (!file.logs.has(origin))
      session.say(`${quote(origin)} is new in ${quote(path)}: it is audited from its beginning`)
  const trusted = new Map<string, SignedHead>()
  for (const [origin, stored] of file.logs) {
    const key = keys.get(origin)
    if (key !== undefined) trusted.set(origin, await trustedHead(path, stored, key))
  }
  return trusted
}

/** Nothing that is the matter with the file is a fault of the log. */
async function trustedHead(
  path: string,
  { origin, note, state }: StateInFile,
  key: LogKey,
): Promise<SignedHead> {
  const opened = await openCheckpoint({ note, ...withLearned(key, state, { ended: true }) })
  if (!opened.ok) {
    if (opened.error !== 'signature_missing') throw damaged(path)
    throw usage(
      `Cannot resume audit from ${quote(path)}: its checkpoint of ${quote(origin)} is not signed by the key in --vkey`,
      'another deployment had a log of this name: compare --vkey, or use another --state',
    )
  }
  const { size, root } = opened.value
  if (state.size !== size)
    throw incomplete(`Cannot resume audit from ${quote(path)}: its parts do not belong together`)
  return { size, root, note }
}

class RunStates implements AuditStates {
  readonly #path: string
  readonly #file: StateFile | null
  readonly #trusted: ReadonlyMap<string, SignedHead>
  readonly #writer: StateWriter | null
  /** Chains of several logs are compared. */
  readonly #several: boolean
  readonly #kept = new Set<string>()
  #failure: CliFailure | null = null

  constructor(parts: {
    readonly path: string
    readonly file: StateFile | null
    readonly trusted: ReadonlyMap<string, SignedHead>
    readonly writer: StateWriter | null
    readonly several: boolean
  }) {
    this.#path = parts.path
    this.#file = parts.file
    this.#trusted = parts.trusted
    this.#writer = parts.writer
    this.#several = parts.several
  }

  get stored(): ReadonlySet<string> {
    return new Set(this.#trusted.keys())
  }

  stateOf(origin: string): AuditState | null {
    return this.#file?.logs.get(origin)?.state ?? null
  }

  async before(origin: string): Promise<StoredAudit> {
    const [stored, trusted] = [this.#file?.logs.get(origin), this.#trusted.get(origin)]
    if (stored === undefined || trusted === undefined) return NONE
    if (!this.#several) return { trusted, state: stored.state, chains: stored.chains }
    const state = await stored.load()
    if (chainsOfState(state) === null) throw sayingLittle(this.#path, origin)
    return { trusted, state, chains: null }
  }

  async standing(origin: string): Promise<LogChains | null> {
    const stored = this.#file?.logs.get(origin)
    if (stored === undefined || !this.#trusted.has(origin)) return null
    // What is the matter with it was said where its audit ended.
    const state = await stored.load().catch(() => null)
    return state === null ? null : chainsOfState(state)
  }

  async keep(head: SignedHead, { state, chains }: AuditToKeep): Promise<void> {
    if (!this.#isThere(head, state)) await this.#write(head, state, chains)
  }

  async #write(head: SignedHead, state: AuditState, chains?: ToldChains): Promise<void> {
    if (this.#writer === null || this.#failure !== null) return
    try {
      await this.#writer.add(head, state, chains)
      this.#kept.add(state.origin)
    } catch (thrown) {
      // A full disk does not keep the other logs from being audited.
      this.#failure = failureOf(thrown)
    }
  }

  /** Of the same checkpoint, so that nothing can be new in it. */
  #isThere({ note }: SignedHead, { origin, size, replay }: AuditState): boolean {
    const stored = this.#file?.current === true ? this.#file.logs.get(origin) : undefined
    if (stored === undefined || stored.note !== note) return false
    const { state } = stored
    return state.size === size && (state.replay === undefined) === (replay === undefined)
  }

  async commit(): Promise<CliFailure | null> {
    if (this.#writer === null || this.#kept.size === 0) return this.#failure
    try {
      for (const origin of this.#trusted.keys())
        if (!this.#kept.has(origin)) await this.#carry(origin)
      if (this.#failure === null) await this.#writer.commit()
      return this.#failure
    } catch (thrown) {
      return failureOf(thrown)
    }
  }

  async #carry(origin: string): Promise<void> {
    // Only of several logs, whose states come with their chains.
    const { trusted, state } = await this.before(origin)
    if (trusted !== null && state !== null) await this.#write(trusted, state)
  }

  async close(): Promise<void> {
    await this.#writer?.abandon()
    await this.#file?.close()
  }
}

/** A state as once written: of one log, without where each chain begins. */
function sayingLittle(path: string, origin: string): CliFailure {
  return incomplete(
    `Cannot compare chains of ${quote(origin)}: its state in ${quote(path)} does not say where they begin`,
    'an older livegate wrote it: audit anew, with another --state',
  )
}
