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

/** The state of one log as its file has it; nothing is verified yet. */
export interface StateInFile {
  readonly origin: string
  /** Checkpoint it belongs to. */
  readonly note: string
  /** All but the chains. */
  readonly state: AuditState
  /** The chains, many at a time; null where `state` has them. */
  chains(): AsyncIterable<readonly StoredChain[]> | null
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

/** Reads the whole file once and keeps a line a log. */
async function scanned(handle: FileHandle, path: string): Promise<Map<string, StateInFile>> {
  const logs = new Map<string, StateInFile>()
  const digest = createHash('sha256')
  let [number, chains] = [0, 0]
  let end: string | null = null
  for await (const lines of linesFrom(handle, 0, path))
    for (const { bytes, next } of lines) {
      if (end !== null) throw damaged(path)
      const isLog = chains === 0 && number++ > 0
      const line = isLog ? bytes.toString() : ''
      if (line.startsWith('{"end":')) {
        end = line
        continue
      }
      digest.update(bytes).update('\n')
      if (isLog) {
        const log = logIn(handle, { line, next, path })
        if (logs.has(log.origin)) throw damaged(path)
        logs.set(log.origin, log)
        chains = log.count
      } else if (chains > 0) chains--
    }
  if (end !== endLine(digest.digest('base64url')) || logs.size === 0) throw damaged(path)
  return logs
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
  return { origin, note, state, count: chains, chains: each, load }
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

/** Nothing is known yet of the digest: what cannot be read was damaged. */
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
    const chunk = Buffer.allocUnsafe(1024 * 1024)
    const { bytesRead } = await handle.read(chunk, 0, chunk.length, read)
    if (bytesRead === 0) break
    const piece = chunk.subarray(0, bytesRead)
    const lines: Line[] = []
    let from = 0
    for (let to = piece.indexOf(10); to >= 0; to = piece.indexOf(10, from)) {
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
  return { origin, note: checkpoint, state, chains: () => null, load: async () => state }
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
