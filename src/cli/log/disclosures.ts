/**
 * Disclosures an auditor was given, found again by the record they belong to.
 *
 * JSON Lines, one object a record: `{"record": "jws~disclosure~…~"}`, other members ignored; so the answers of
 * `POST /v1/decisions` and `GET /v1/decisions/{id}` are lines as they are. Read once to see what it holds, a large file by
 * a thread for each part; what a record needs is read again in its turn (disclosure-index.ts). Memory: the same for any
 * number of lines.
 */
import { statSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { incomplete } from '../failure.ts'
import { quote } from '../session.ts'
import { type DisclosureIndex, IndexLines } from './disclosure-index.ts'
import { indexLines, type LinesRead } from './disclosure-lines.ts'
import type { PartDone, PartTask } from './disclosure-worker.ts'
import type { FilePart } from './each-line.ts'

export interface Disclosures {
  /** Lines that hold a record. */
  readonly records: number
  /** Null without any. */
  readonly index: DisclosureIndex | null
}

export const NO_DISCLOSURES: Disclosures = { records: 0, index: null }

export interface ReadOptions {
  /** Lines kept in memory; of more the places are on disk until the process ends. */
  readonly run?: number | undefined
  /** How many read at once, the calling thread among them; as many as are worth it unless given. */
  readonly threads?: number
}

/** Bytes that are worth a thread: they take some 20 ms. */
const WORTH_A_THREAD: number = 32 * 1024 * 1024
/** Beyond so many the disk is what is waited for. */
const MOST_THREADS = 4

/** Reads a whole file of disclosures; a line that holds no record ends the command. */
export async function readDisclosures(
  path: string,
  { run, threads }: ReadOptions = {},
): Promise<Disclosures> {
  const lines = new IndexLines(run)
  const stat = statSync(path)
  if (!stat.isFile()) {
    // A pipe is read once, so what it said must be kept.
    const kept: Buffer[] = []
    const keep = (chunk: Buffer): void => void kept.push(Buffer.from(chunk))
    requireGood(path, [await indexLines(path, lines, { keep })])
    return disclosuresIn(lines, () => shared(kept))
  }
  const [first, ...others] = partsOf(stat.size, threads ?? threadsFor(stat.size))
  const elsewhere = others.map((part) => readElsewhere({ path, part, run }))
  const [own, ...found] = await Promise.all([
    indexLines(path, lines, { part: first }),
    ...elsewhere,
  ])
  requireGood(path, [own, ...found.map(({ read }) => read)])
  for (const part of found) lines.adopt(part.found)
  return disclosuresIn(lines, () => path)
}

function threadsFor(size: number): number {
  const worth = Math.floor(size / WORTH_A_THREAD)
  return Math.max(1, Math.min(worth, availableParallelism(), MOST_THREADS))
}

/** The last one ends with the file, even if that has grown meanwhile. */
function partsOf(size: number, count: number): readonly [FilePart, ...FilePart[]] {
  const at = (i: number): number =>
    i === count ? Number.POSITIVE_INFINITY : Math.floor((size * i) / count)
  const part = (i: number): FilePart => ({ from: at(i), to: at(i + 1) })
  return [part(0), ...Array.from({ length: count - 1 }, (_, i) => part(i + 1))]
}

const MEND = 'see that the file can be read and the temporary directory has room, then run it again'

/** Resolves when the thread has gone through its part. */
function readElsewhere(task: PartTask): Promise<PartDone> {
  const ending = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  const script = new URL(`./disclosure-worker.${ending}`, import.meta.url)
  return new Promise((resolve, reject) => {
    // What it has written to disk is read here when it is gone.
    const options = { execArgv: [], workerData: task, trackUnmanagedFds: false }
    const worker = new Worker(script, options)
    const failed = (why: string): void =>
      reject(incomplete(`Cannot read ${quote(task.path)}: a thread ended, ${why}`, MEND))
    worker.once('message', resolve)
    worker.once('error', ({ message }) => failed(message))
    worker.once('exit', (code) => failed(`exit code ${code}`))
  })
}

/** Parts in the order of the file. */
function requireGood(path: string, parts: readonly LinesRead[]): void {
  let lines = 0
  for (const part of parts) {
    lines += part.lines
    if (part.bad)
      throw incomplete(
        `Cannot read ${quote(path)}: line ${lines} holds no record`,
        'expected {"record": "…"} on every line',
      )
  }
}

function disclosuresIn(lines: IndexLines, source: () => DisclosureIndex['source']): Disclosures {
  return lines.count === 0 ? NO_DISCLOSURES : { records: lines.count, index: lines.index(source()) }
}

function shared(chunks: readonly Buffer[]): Uint8Array<SharedArrayBuffer> {
  const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0)
  const all = new Uint8Array(new SharedArrayBuffer(length))
  let offset = 0
  for (const chunk of chunks) {
    all.set(chunk, offset)
    offset += chunk.length
  }
  return all
}
