/**
 * Writes everything a deployment is into one file, out of a log that has been closed and published.
 *
 * Line by line with a running digest, beside its place and renamed over it, so a file with the right name is whole. It
 * holds personal data and hashes of keys: mode 0600. Keys themselves stay where they are; the pepper must be brought
 * over, and is recognised by its probe. Format: core/move/lines.ts. Spec: docs/spec/storage.md, "Moving".
 */
import { createHash, randomBytes } from 'node:crypto'
import { open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { utf8 } from '../../core/encoding.ts'
import { LivegateError } from '../../core/errors.ts'
import { type MoveHeader, pepperProbe } from '../../core/move/lines.ts'
import { countsOf, linesOf } from '../sqlite/move-out.ts'
import { predecessorsOf } from '../sqlite/predecessors.ts'
import { dataPaths } from './data-dir.ts'
import { syncDirectory } from './durable-files.ts'
import { type NodeSql, openNodeSql } from './node-sql.ts'
import type { NodeStore } from './store.ts'

type ExportedStore = Pick<
  NodeStore,
  'origin' | 'status' | 'conclude' | 'log' | 'vkey' | 'recordKeys' | 'pepper'
>

export interface ExportRequest {
  /** The open store of `dir`: it keeps everybody else out meanwhile. */
  readonly store: ExportedStore
  readonly dir: string
  readonly path: string
  readonly onLine?: (lines: number, of: number) => void
  /** Checked between lines. */
  readonly signal?: AbortSignal
}

export interface Exported {
  readonly header: MoveHeader
  /** Lines, the first and the last included. */
  readonly lines: number
}

/** Resolves when the file is there, whole and durable. Throws `conflict` while the log is open. */
export async function exportDeployment(request: ExportRequest): Promise<Exported> {
  const { store, dir, path } = request
  requireClosed(store)
  await store.conclude()
  const sql = openNodeSql(dataPaths(dir).database)
  // What is sorted may be larger than memory.
  sql.run('PRAGMA temp_store = FILE')
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`
  try {
    const header = await headerFor(store, sql)
    const lines = await writeLines(request, { temporary, sql, header })
    await rename(temporary, path)
    await syncDirectory(dirname(path), fail)
    return { header, lines }
  } finally {
    await rm(temporary, { force: true })
    sql.close()
  }
}

function requireClosed(store: ExportedStore): void {
  if (store.status().successors !== null) return
  throw new LivegateError(
    'conflict',
    'Cannot export: the log is open, expected a closed one: what was decided after the export would be lost',
    { hint: 'Stop the gate, then export with --close and --successor.' },
  )
}

async function headerFor(store: ExportedStore, sql: NodeSql): Promise<MoveHeader> {
  const { successors, entries } = store.status()
  return {
    format: 'livegate-move/v1',
    origin: store.origin,
    size: entries,
    vkey: store.vkey,
    checkpoint: await store.log.checkpoint(),
    keys: store.recordKeys().map(({ x }) => x),
    successors: successors ?? [],
    predecessors: predecessorsOf(sql),
    pepper_probe: store.pepper.hash('move', pepperProbe(store.origin)),
    counts: countsOf(sql),
  }
}

/** Characters gathered before they are written. */
const CHUNK = 256 * 1024

async function writeLines(
  { onLine, signal }: ExportRequest,
  out: { readonly temporary: string; readonly sql: NodeSql; readonly header: MoveHeader },
): Promise<number> {
  const { temporary, sql, header } = out
  const of = Object.values(header.counts).reduce((sum, count) => sum + count, 2)
  const digest = createHash('sha256')
  const file = await open(temporary, 'wx', 0o600)
  try {
    let text = line({ header })
    let lines = 1
    const flush = async (): Promise<void> => {
      const bytes = utf8(text)
      digest.update(bytes)
      await file.writeFile(bytes)
      text = ''
    }
    for (const next of linesOf(sql, header.size)) {
      signal?.throwIfAborted()
      text += line(next)
      lines++
      if (text.length < CHUNK) continue
      await flush()
      onLine?.(lines, of)
    }
    await flush()
    const end = { lines, sha256: digest.copy().digest('hex') }
    await file.writeFile(line({ end }))
    await file.sync()
    return lines + 1
  } finally {
    await file.close()
  }
}

function line(value: object): string {
  return `${JSON.stringify(value)}\n`
}

function fail(error: unknown): never {
  throw error
}
