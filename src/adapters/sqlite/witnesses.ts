/**
 * Has witnesses cosign what rounds publish, behind the rounds: nobody waits for it.
 *
 *     published → every witness that is due, side by side, one checkpoint → quorum met → `checkpoint.witnessed`
 *
 * One checkpoint at a time, so that cosignatures come together on one; what is published meanwhile is next, and only the
 * newest of it. A witness that fails is left alone for a while that doubles, and asked again though nothing is published.
 * `checkpoint.witnessed` only ever grows. Whatever puts the log in doubt halts it (witness-doubt.ts).
 * Spec: docs/spec/log.md, "Witnesses". Next stop: witness-visit.ts.
 */
import { LivegateError } from '../../core/errors.ts'
import { openCheckpoint, parseCheckpoint } from '../../core/tlog/checkpoint.ts'
import { cosignatureVerifier } from '../../core/tlog/cosignature.ts'
import { sameHash } from '../../core/tlog/hash.ts'
import {
  ed25519Verifier,
  formatNote,
  type NoteSignature,
  type NoteVerifier,
  parseNote,
  type VerifyEd25519,
} from '../../core/tlog/note.ts'
import { tilePath } from '../../core/tlog/tile.ts'
import { hashReaderOverTiles } from '../../core/tlog/tile-reader.ts'
import { type WitnessFault, witnessBackoffMs } from '../../core/tlog/witness.ts'
import { isQuorum, type WitnessPolicy } from '../../core/tlog/witness-policy.ts'
import type { After } from '../../gate/context.ts'
import type { Clock, Observe } from '../../ports.ts'
import type { Halt } from './halt.ts'
import { readPublished } from './log.ts'
import type { Published, Rounds } from './rounds.ts'
import type { Sql, Writer } from './sql.ts'
import type { TileStore } from './tile-store.ts'
import { type AskWitness, createAskWitness, type WitnessFetch } from './witness-ask.ts'
import { doubtOf } from './witness-doubt.ts'
import { acknowledged, signedSize } from './witness-rows.ts'
import { type Asked, type Errand, type Visit, visitWitness } from './witness-visit.ts'

/** What a deployment says about its witnesses. */
export interface WitnessSettings {
  /** Each of its witnesses has an address, and it asks for a quorum (core/tlog/witness.ts, `parseAskedPolicy`). */
  readonly policy: WitnessPolicy
  readonly fetch: WitnessFetch
  readonly verifyEd25519: VerifyEd25519
  readonly clock: Clock
  readonly after: After
  /** From 0 to 1; spreads what would be asked at one time. */
  readonly jitter: () => number
  /** How long one checkpoint may be with a witness, ms; 1,000. */
  readonly budgetMs?: number
}

/** Name of the file beside `checkpoint`. */
export const WITNESSED = 'checkpoint.witnessed'

/** Where it lies. */
export interface WitnessedFile {
  /** Null when there is none. */
  get(): Promise<string | null>
  /** Replaces it; durable when resolved, never half. */
  put(note: string): Promise<void>
}

export interface WitnessParts extends WitnessSettings {
  readonly origin: string
  /** Verifier keys of the log's checkpoints, those in force now. */
  readonly vkeys: () => readonly string[]
  readonly sql: Pick<Sql, 'get' | 'run'>
  readonly writer: Pick<Writer, 'write'>
  readonly rounds: Pick<Rounds, 'onPublished'>
  readonly tiles: Pick<TileStore, 'get'>
  readonly file: WitnessedFile
  /** What an earlier process had cosigned by everybody is not asked about again. */
  readonly settledBefore?: boolean
  readonly halt: Halt
  readonly observe: Observe
  readonly onError: (error: unknown) => void
}

export interface WitnessStatus {
  /** Size of the newest checkpoint with a quorum; 0 before the first. */
  readonly size: number
  /** How long ago the first checkpoint was published that has none, as far as this process saw; 0 when all have. */
  readonly lag_s: number
  /** What has gone wrong so far, by witness and fault. */
  readonly errors: readonly WitnessErrors[]
}

export interface WitnessErrors {
  readonly witness: string
  readonly fault: WitnessFault
  readonly count: number
}

export interface Witnesses {
  /** Resolves when nobody is being asked: what was published has been with every witness that was due. */
  settled(): Promise<void>
  /** Asks nobody any more. */
  stop(): void
  status(): WitnessStatus
}

const BUDGET_MS = 1_000
/** After the file could not be written. */
const FILE_RETRY_MS = 1_000

interface Known extends Asked {
  failures: number
  /** Asked again from then on. */
  due: number
  /** Its word, and the body it is on. */
  word: { readonly body: string; readonly line: NoteSignature } | null
}

/** None where nobody is to be asked. */
export function witnessesOf(
  settings: WitnessSettings | undefined,
  parts: Omit<WitnessParts, keyof WitnessSettings>,
): Witnesses | null {
  return settings === undefined ? null : createWitnesses({ ...parts, ...settings })
}

/** Begins with the next publication. Throws `internal` when the policy names logs, and not this one. */
export function createWitnesses(parts: WitnessParts): Witnesses {
  const { clock, after, halt, observe, onError, policy, origin, sql } = parts
  const verifiers = (): readonly NoteVerifier[] =>
    parts.vkeys().map((vkey) => ownVerifier(vkey, parts.verifyEd25519))
  requireNamed(parts)
  const ask: AskWitness = createAskWitness(parts)
  const known = policy.witnesses.map((witness) => knownOf(witness, parts.verifyEd25519))
  const errors = new Map<string, { witness: string; fault: WitnessFault; count: number }>()
  /** What is in the file; null before it was read. */
  let written: { readonly size: number; readonly lines: number } | null = null
  let newest: Published | null = null
  /** When the first checkpoint was published that has no quorum. */
  let since: number | null = null
  let running: Promise<void> | null = null
  let cancel = (): void => {}
  let stopped = false

  function fail(witness: Known, fault: WitnessFault, size: number): void {
    const key = `${fault} ${witness.name}`
    const counted = errors.get(key) ?? { witness: witness.name, fault, count: 0 }
    counted.count++
    errors.set(key, counted)
    observe({ type: 'witness_failed', witness: witness.name, fault, size })
  }

  /** Says what went wrong, and stops the log where that puts it in doubt. */
  async function accuse(
    witness: Known,
    errand: Errand,
    result: Extract<Visit, { readonly fault: WitnessFault }>,
  ): Promise<void> {
    fail(witness, result.fault, errand.tree.size)
    const doubt = { origin, verifiers: verifiers(), ask, signedSize: () => signedSize(sql) }
    const why = await doubtOf(doubt, witness, errand, result)
    if (why !== null) halt.halt(why, SET_BACK)
  }

  async function visit(witness: Known, errand: Errand): Promise<void> {
    try {
      const result = await visitWitness({ ...parts, ask, now: clock.now }, witness, errand)
      if ('cosigned' in result) {
        const word = { body: errand.body, line: result.cosigned }
        Object.assign(witness, { failures: 0, due: 0, word })
        return
      }
      if ('fault' in result) {
        witness.failures++
        await accuse(witness, errand, result)
      }
    } catch (error) {
      // A file of ours, not the witness.
      witness.failures++
      onError(error)
    }
    witness.due = clock.now() + witnessBackoffMs(Math.max(1, witness.failures), parts.jitter())
  }

  /** Takes one checkpoint to everybody who is due, and publishes what they say. */
  async function around(tree: Published): Promise<void> {
    const began = clock.now()
    const body = bodyOf(tree.note)
    const read = memoised((path) => readPublished(parts.tiles, path, tree.size))
    const errand: Errand = {
      ...{ tree, body, budget_ms: parts.budgetMs ?? BUDGET_MS },
      reader: hashReaderOverTiles((tile) => read(tilePath(tile)), tree.size),
    }
    const due = known.filter((one) => one.word?.body !== body && one.due <= began)
    await Promise.all(due.map((witness) => visit(witness, errand)))
    if (halt.why() !== null) return
    if (!(await publish(tree, body))) return
    // All that was published before this one is covered; what came meanwhile came after it had begun.
    if (newest === tree) since = null
    else if (since !== null) since = Math.max(since, began)
  }

  /** True when the file holds this checkpoint under a quorum. */
  async function publish(tree: Published, body: string): Promise<boolean> {
    const words = known.filter((one) => one.word?.body === body)
    if (!isQuorum(policy, new Set(words.map(({ name }) => name)))) return false
    const lines = words.flatMap(({ word }) => (word === null ? [] : [word.line]))
    const there = written ?? (await readFile())
    if (there.size > tree.size || (there.size === tree.size && there.lines >= lines.length))
      return true
    const { signatures } = partsOf(tree.note)
    await parts.file.put(formatNote({ body, signatures: [...signatures, ...lines] }))
    written = { size: tree.size, lines: lines.length }
    observe({ type: 'witnessed', size: tree.size, cosignatures: lines.length })
    return true
  }

  /** What an earlier process left; halts when it says more than was ever signed here. */
  async function readFile(): Promise<{ readonly size: number; readonly lines: number }> {
    const note = await parts.file.get()
    const opened =
      note === null ? null : await openCheckpoint({ note, origin, verifiers: verifiers() })
    const size = opened?.ok === true ? opened.value.size : 0
    if (opened?.ok === true && newest !== null && contradicts(opened.value, newest, sql)) {
      halt.halt(`\`checkpoint.witnessed\` is over another tree, of ${size} entries`, SET_BACK)
      throw halt.error()
    }
    const signed = note === null || size === 0 ? [] : partsOf(note).signatures
    const lines = signed.filter(({ keyId, name }) =>
      known.some(({ verifier }) => verifier.keyId === keyId && verifier.name === name),
    ).length
    written = { size, lines }
    if (newest !== null && size >= newest.size) since = null
    return written
  }

  async function run(): Promise<void> {
    while (newest !== null && !stopped && halt.why() === null) {
      const tree = newest
      let again: number | null = null
      try {
        const there = written ?? (await readFile())
        if (parts.settledBefore === true && isComplete(there, tree)) return
        await around(tree)
      } catch (error) {
        // What is in the file is not known any more.
        written = null
        if (halt.why() === null) onError(error)
        again = clock.now() + FILE_RETRY_MS
      }
      if (newest === tree) return later(tree, again)
    }
  }

  function isComplete(there: NonNullable<typeof written>, tree: Published): boolean {
    const ahead = known.some(({ vkey }) => acknowledged(sql, vkey) > tree.size)
    return there.size === tree.size && there.lines === known.length && !ahead
  }

  /** Asks again those that have failed, as soon as one of them is due. */
  function later(tree: Published, again: number | null): void {
    const body = bodyOf(tree.note)
    const dues = known.filter((one) => one.word?.body !== body).map(({ due }) => due)
    const at = Math.min(again ?? Number.POSITIVE_INFINITY, ...dues)
    if (stopped || halt.why() !== null || at === Number.POSITIVE_INFINITY) return
    cancel()
    cancel = after(Math.max(0, at - clock.now()), begin)
  }

  function begin(): void {
    cancel()
    cancel = () => {}
    if (stopped || halt.why() !== null) return
    running ??= run()
      .catch(onError)
      .finally(() => {
        running = null
      })
  }

  parts.rounds.onPublished((published) => {
    if (published.size === 0 || published.note === '') return
    newest = published
    since ??= clock.now()
    begin()
  })

  return {
    async settled() {
      while (running !== null) await running
    },
    stop() {
      stopped = true
      cancel()
    },
    status: () => ({
      size: written?.size ?? 0,
      lag_s: since === null ? 0 : Math.max(0, clock.now() - since) / 1000,
      errors: [...errors.values()].map((counted) => ({ ...counted })),
    }),
  }
}

const SET_BACK =
  'Restore database and log files to their newest state. If the witness is wrong, take it out of the witness policy and start again.'

function contradicts(
  head: { readonly size: number; readonly root: Uint8Array },
  tree: Published,
  sql: Pick<Sql, 'get'>,
): boolean {
  if (head.size > tree.size) return head.size > signedSize(sql)
  return head.size === tree.size && !sameHash(head.root, tree.root)
}

/** Readers of the policy would not take checkpoints of a log it does not name. */
function requireNamed({ policy, vkeys, origin }: WitnessParts): void {
  const { logs } = policy
  const named = logs.some(({ vkey }) => vkeys().includes(vkey))
  if (logs.length > 0 && !named)
    throw new LivegateError(
      'internal',
      `Cannot use the witness policy: it names logs, but not \`${origin}\``,
      { hint: 'Add a `log` line with the verifier key of this log, or name no log.' },
    )
}

function knownOf(
  { name, vkey, url }: WitnessPolicy['witnesses'][number],
  verifyEd25519: VerifyEd25519,
): Known {
  const verifier = cosignatureVerifier(vkey, verifyEd25519)
  if (!verifier.ok || url === null)
    throw new LivegateError('internal', `Cannot ask witness ${name}: expected its key and address`)
  return { name, vkey, url, verifier: verifier.value, failures: 0, due: 0, word: null }
}

function ownVerifier(vkey: string, verifyEd25519: VerifyEd25519): NoteVerifier {
  const verifier = ed25519Verifier(vkey, verifyEd25519)
  if (verifier.ok) return verifier.value
  throw new LivegateError('internal', `Cannot have checkpoints cosigned: ${verifier.error}`)
}

/** Of a note this log has signed. */
function partsOf(note: string): { body: string; signatures: readonly NoteSignature[] } {
  const read = parseNote(note)
  if (read.ok && parseCheckpoint(read.value.body).ok) return read.value
  throw new LivegateError('internal', 'Cannot have a checkpoint cosigned: it is malformed')
}

function bodyOf(note: string): string {
  return partsOf(note).body
}

/** Witnesses are mostly asked from the same size on: each file is read once. */
function memoised(
  read: (path: string) => Promise<Uint8Array | null>,
): (path: string) => Promise<Uint8Array | null> {
  const files = new Map<string, Promise<Uint8Array | null>>()
  return (path) => {
    const known = files.get(path) ?? read(path)
    files.set(path, known)
    return known
  }
}
