/**
 * Worker thread of disclosures.ts: goes through one part of a large file and hands over where its records stand.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { IndexLines, type LinesOfPart } from './disclosure-index.ts'
import { indexLines, type LinesRead } from './disclosure-lines.ts'
import type { FilePart } from './each-line.ts'

export interface PartTask {
  readonly path: string
  readonly part: FilePart
  /** Lines kept in memory; others are handed over on disk. */
  readonly run: number | undefined
}

export interface PartDone {
  readonly read: LinesRead
  readonly found: LinesOfPart
}

const { path, part, run } = workerData as PartTask
const lines = new IndexLines(run)
const read = await indexLines(path, lines, { part })
const done: PartDone = { read, found: lines.handOver() }
parentPort?.postMessage(done)
