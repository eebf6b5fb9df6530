/**
 * Opens a file of states: every log's line is read and its digest is right before anything is believed.
 *
 * Chains stay in the file until the audit of their log begins: one log's are in memory at a time. The file is held open,
 * so that another run that replaces it changes nothing here. Old files, of one log, are one JSON document and small.
 * Form: audit-state-form.ts. What a state means for a run: audit-state.ts.
 */
import { createHash } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import type { ChainHead } from '../../core/audit/chains.ts'
import type { PackedMemory } from '../../core/audit/replay/replay-state.ts'
import { type AuditState, parseAuditState, type StoredChain } from '../../core/audit/state.ts'
import { incomplete } from '../failure.ts'
import { readBounded } from '../files.ts'
import { quote } from '../session.ts'
import { endLine, FIRST_LINE, parseChainLine, parseLogLine } from './audit-state-form.ts'

/** A file of 4 GiB: five million chains at their longest. */
export const MAX_STATE_BYTES: number = 4 * 1024 ** 3
/** Old files are read as one string. */
const MAX_OLD_BYTES: number = 512 * 1024 * 1024 - 1024
/** The line of a log holds its policy texts; that of a chain has less than 1 KiB. */
export const MAX_LINE_BYTES: number = 256 * 1024 * 1024

/** The chains of a state, many at a time, and how many. */
export interface ChainsInFile {
  readonly count: number
  each(): AsyncIterable<readonly StoredChain[]>
}

/** The state of one log as its file has it; nothing is verified yet. */
export interface StateInFile {
  readonly origin: string
  /** Checkpoint it belongs to. */
  readonly note: string
  /** All but the chains. */
  readonly state: AuditState
  /** The chains; null where `state` has them. */
  readonly chains: ChainsInFile | null
  /** With the chains. */
  load(): Promise<AuditState>
}

export interface StateFile {
  /** False for an old form, which is to be written anew. */
  readonly current: boolean
  readonly logs: ReadonlyMap<string, StateInFile>
  close(): Promise<void>
}

/** Null when there is no file. */
export async function openStateFile(path: string): Promise<StateFile | null> {
  const handle = await openIfThere(path)
  if (handle === null) return null
  try {
    const { size } = await handle.stat()
    if (size > MAX_STATE_BYTES)
      throw incomplete(
        `Cannot resume audit from ${quote(path)}: it has ${size} bytes, expected at most ${MAX_STATE_BYTES}`,
      )
    const first = Buffer.alloc(FIRST_LINE.length + 1)
    await handle.read(first, 0, first.length, 0)
    if (first.toString('latin1') === `${FIRST_LINE}\n`)
      return { current: true, logs: await scanned(handle, path), close: () => handle.close() }
    await handle.close()
    const old = await oldState(path)
    return { current: false, logs: new Map([[old.origin, old]]), close: async () => undefined }
  } catch (thrown) {
    await handle.close()
    throw thrown
  }
}

async function openIfThere(path: string): Promise<FileHandle | null> {
  try {
    return await open(path, 'r')
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return null
    throw error
  }
}

/** Reads the whole file, whose digest must be right, and keeps a line a log. */
async function scanned(handle: FileHandle, path: string): Promise<Map<string, StateInFile>> {
  const end = await endOf(handle, path)
  const logs = new Map<string, StateInFile>()
  for (let at = FIRST_LINE.length + 1; at < end; ) {
    const { bytes, next } = await lineAt(handle, at, path)
    const log = logIn(handle, { line: bytes.toString(), next, path })
    if (logs.has(log.origin)) throw damaged(path)
    logs.set(log.origin, log)
    at = await skipLines(handle, { from: next, count: log.count, path })
  }
  if (logs.size === 0) throw damaged(path)
  return logs
}

const PIECE: number = 1024 * 1024
const END_BYTES: number = endLine('A'.repeat(43)).length + 1

/** Where the last line begins, which must be the digest of everything before it. */
async function endOf(handle: FileHandle, path: string): Promise<number> {
  const { size } = await handle.stat()
  const end = size - END_BYTES
  const digest = createHash('sha256')
  for await (const { bytes, at } of piecesFrom(handle, 0))
    if (at < end) digest.update(bytes.subarray(0, end - at))
  const last = Buffer.alloc(END_BYTES)
  if (end > 0) await handle.read(last, 0, END_BYTES, end)
  if (last.toString('latin1') !== `${endLine(digest.digest('base64url'))}\n`) throw damaged(path)
  return end
}

async function lineAt(handle: FileHandle, start: number, path: string): Promise<Line> {
  for await (const [line] of linesFrom(handle, start, path)) if (line !== undefined) return line
  throw damaged(path)
}

/** Where the line after so many begins. */
async function skipLines(
  handle: FileHandle,
  { from, count, path }: { readonly from: number; readonly count: number; readonly path: string },
): Promise<number> {
  if (count === 0) return from
  let left = count
  for await (const { bytes, at } of piecesFrom(handle, from))
    for (let to = bytes.indexOf(LF); to >= 0; to = bytes.indexOf(LF, to + 1))
      if (--left === 0) return at + to + 1
  throw damaged(path)
}

const LF = 0x0a

/** The bytes from `start` on, in room that is used again. */
async function* piecesFrom(
  handle: FileHandle,
  start: number,
): AsyncGenerator<{ readonly bytes: Buffer; readonly at: number }> {
  const room = Buffer.allocUnsafe(PIECE)
  for (let at = start; ; ) {
    const { bytesRead } = await handle.read(room, 0, PIECE, at)
    if (bytesRead === 0) return
    yield { bytes: room.subarray(0, bytesRead), at }
    at += bytesRead
  }
}

interface LogPlace {
  readonly line: string
  /** Where its chains begin. */
  readonly next: number
  readonly path: string
}

function logIn(
  handle: FileHandle,
  { line, next, path }: LogPlace,
): StateInFile & { readonly count: number } {
  const read = parseLogLine(line)
  if (read === null) throw damaged(path)
  const { log: origin, checkpoint: note, chains } = read
  const state = stateIn(read.audit, origin, path)
  const each = (): AsyncIterable<readonly StoredChain[]> =>
    chainsFrom(handle, { next, chains, path })
  const load = async (): Promise<AuditState> => withChains(state, each())
  return { origin, note, state, count: chains, chains: { count: chains, each }, load }
}

async function withChains(
  state: AuditState,
  chains: AsyncIterable<readonly StoredChain[]>,
): Promise<AuditState> {
  const heads: (readonly [string, ChainHead])[] = []
  const memories: (readonly [string, PackedMemory])[] = []
  for await (const some of chains)
    for (const { sub, head, memory } of some) {
      heads.push([sub, head])
      if (memory !== undefined) memories.push([sub, memory])
    }
  const { replay } = state
  const followed =
    replay === undefined ? {} : { replay: { ...replay, chains: Object.fromEntries(memories) } }
  return { ...state, chains: { ...state.chains, heads: Object.fromEntries(heads) }, ...followed }
}

/** The digest finds damage, not what was never a state. */
function stateIn(audit: AuditState, origin: string, path: string): AuditState {
  try {
    return parseAuditState(JSON.stringify(audit), origin)
  } catch {
    throw damaged(path)
  }
}

async function* chainsFrom(
  handle: FileHandle,
  { next, chains, path }: Omit<LogPlace, 'line'> & { readonly chains: number },
): AsyncGenerator<readonly StoredChain[]> {
  let left = chains
  if (left === 0) return
  for await (const lines of linesFrom(handle, next, path)) {
    const some = lines.slice(0, left).map(({ bytes }) => {
      const chain = parseChainLine(bytes.toString())
      if (chain === null) throw damaged(path)
      return chain
    })
    left -= some.length
    yield some
    if (left === 0) return
  }
  throw damaged(path)
}

interface Line {
  readonly bytes: Buffer
  /** Where the next one begins. */
  readonly next: number
}

/** Lines from `start` on, many at a time; the last must have its end. */
async function* linesFrom(
  handle: FileHandle,
  start: number,
  path: string,
): AsyncGenerator<readonly Line[]> {
  let read = start
  let begun: Buffer[] = []
  for (;;) {
    const chunk = Buffer.allocUnsafe(PIECE)
    const { bytesRead } = await handle.read(chunk, 0, chunk.length, read)
    if (bytesRead === 0) break
    const piece = chunk.subarray(0, bytesRead)
    const lines: Line[] = []
    let from = 0
    for (let to = piece.indexOf(LF); to >= 0; to = piece.indexOf(LF, from)) {
      const bytes = piece.subarray(from, to)
      lines.push({
        bytes: begun.length === 0 ? bytes : Buffer.concat([...begun, bytes]),
        next: read + to + 1,
      })
      begun = []
      from = to + 1
    }
    if (from < piece.length) begun.push(piece.subarray(from))
    if (begun.length > MAX_LINE_BYTES / chunk.length) throw damaged(path)
    read += bytesRead
    yield lines
  }
  if (begun.length > 0) throw damaged(path)
}

/** As written before a file held several logs. */
async function oldState(path: string): Promise<StateInFile> {
  const text = new TextDecoder().decode(await readBounded(path, MAX_OLD_BYTES))
  const { checkpoint, audit } = documentIn(text)
  const { origin, chains } = (audit ?? {}) as Partial<AuditState>
  if (typeof checkpoint !== 'string' || typeof origin !== 'string' || chains === undefined)
    throw incomplete(`Cannot resume audit from ${quote(path)}: it is not the state of an audit`)
  const state = parseAuditState(JSON.stringify(audit), origin)
  return { origin, note: checkpoint, state, chains: null, load: async () => state }
}

function documentIn(text: string): { checkpoint?: unknown; audit?: unknown } {
  try {
    return (JSON.parse(text) ?? {}) as { checkpoint?: unknown; audit?: unknown }
  } catch {
    return {}
  }
}

/** Damage is the file's: it says nothing about any log. */
export function damaged(path: string): Error {
  return incomplete(
    `Cannot resume audit from ${quote(path)}: it is damaged or was cut`,
    'take an older copy of it, or audit anew with another --state',
  )
}
