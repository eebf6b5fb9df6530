/**
 * Records somebody was handed, looked for in the log: what a log left out can only be shown from outside.
 *
 * A record signed under a key of this log is its promise: at the index of its receipt there must be exactly its bytes,
 * and it must be there at all in a checkpoint signed after its `mmd` has passed. When a checkpoint was signed nobody
 * outside can tell, but not before its newest entry was made. A record no key of the log has signed is nobody's promise and proves
 * nothing. Memory: a row a record (leaf-table.ts); what is missing is read again. Spec: docs/spec/record.md, "Promise".
 */
import { utf8 } from '../../core/encoding.ts'
import { leafOf } from '../../core/record/hashing.ts'
import type { RecordKey } from '../../core/record/jwk.ts'
import { verifyRecord } from '../../core/record/verify.ts'
import { quote } from '../session.ts'
import { type CollectedRecord, readAgain } from './collected-records.ts'
import { nodeHasher, verifyEd25519 } from './ed25519.ts'
import { type LeafRow, LeafTable } from './leaf-table.ts'

export interface OutsideFinding {
  readonly index: number | null
  readonly code: 'receipt_broken' | 'record_missing'
  readonly message: string
}

export interface OutsideNotice {
  readonly index: number | null
  readonly code: 'record_pending'
  readonly message: string
}

export interface OutsideReport {
  readonly given: number
  readonly found: number
  readonly findings: readonly OutsideFinding[]
  /** Signed records whose time to appear may not be over. */
  readonly notices: readonly OutsideNotice[]
  /** Sentences about records that prove nothing either way. */
  readonly open: readonly string[]
}

/** What the audit saw of the log. */
export interface SeenLog {
  readonly keys: readonly RecordKey[]
  /** Entries `[from, size)` were seen. */
  readonly from: number
  readonly size: number
  /** The auditor's clock, seconds; null for a copy of unknown age. */
  readonly now_s: number | null
  /** `iat` of the newest entry; null without one that can be read. */
  readonly newest_s: number | null
}

/** Findings, notices and sentences kept each; beyond this they are only counted. */
const MAX_TOLD = 1_000

export class OutsideRecords {
  readonly #table = new LeafTable()
  readonly #files: string[] = []
  /** Lines of what can be read only once, by file and line. */
  readonly #kept = new Map<string, string>()

  add(record: CollectedRecord): void {
    const { jws, index, path, offset, length, line, text } = record
    if (this.#files.at(-1) !== path) this.#files.push(path)
    if (text !== null) this.#kept.set(`${this.#files.length - 1} ${line}`, jws)
    const row = { index, file: this.#files.length - 1, offset, length, line }
    this.#table.add(leafOf(utf8(jws), nodeHasher), row)
  }

  get empty(): boolean {
    return this.#table.count === 0
  }

  /** An entry of the log, by its leaf hash. */
  seen(leaf: Uint8Array, index: number): void {
    this.#table.see(leaf, index)
  }

  async report(log: SeenLog): Promise<OutsideReport> {
    const ring = new Map(
      log.keys.map((key) => [key.kid, { ...key, from: 0, until: null }] as const),
    )
    const told = { findings: new Told<OutsideFinding>(), notices: new Told<OutsideNotice>() }
    const open = new Told<string>()
    let lost = 0
    for (const row of this.#table.unseen()) {
      lost++
      const where = `The record of ${quote(`${this.#files[row.file]}:${row.line}`)}`
      const jws = this.#jwsOf(row)
      if (jws === null) {
        open.add(`${where} could not be read again.`)
        continue
      }
      const signed = await verifyRecord(jws, ring, { verifyEd25519 })
      if (!signed.ok) open.add(`${where} is not signed by a key of this log: ${signed.error.code}.`)
      else judge(row, where, { ...log, ...told, open, claims: signed.value.claims })
    }
    const { count: given } = this.#table
    if (open.more > 0) open.kept.push(`… and ${open.more} more records like these.`)
    return {
      ...{ given, found: given - lost, open: open.kept },
      findings: told.findings.kept,
      notices: told.notices.kept,
    }
  }

  #jwsOf(row: LeafRow): string | null {
    const kept = this.#kept.get(`${row.file} ${row.line}`)
    return kept ?? readAgain({ ...row, path: this.#files[row.file] ?? '' })
  }
}

class Told<T> {
  readonly kept: T[] = []
  more = 0

  add(one: T): void {
    if (this.kept.length < MAX_TOLD) this.kept.push(one)
    else this.more++
  }
}

interface Judging extends SeenLog {
  readonly claims: { readonly iat: number; readonly mmd: number }
  readonly findings: Told<OutsideFinding>
  readonly notices: Told<OutsideNotice>
  readonly open: Told<string>
}

function judge({ index }: LeafRow, where: string, judging: Judging): void {
  const { from, size, claims, findings, notices, open } = judging
  if (index === null ? from > 0 : index < from) {
    open.add(`${where} may stand before the entries looked at in this run.`)
  } else if (index !== null && index < size) {
    const message = `${where} is signed, and its receipt says index ${index}, where other bytes stand`
    findings.add({ index, code: 'receipt_broken', message })
  } else if (claims.iat + claims.mmd < notBefore(judging)) {
    const message = `${where} is signed, is not in the log, and its time to appear (${claims.mmd} s) is over`
    findings.add({ index: null, code: 'record_missing', message })
  } else {
    const message = `${where} is signed and not in the log yet; its time to appear may not be over`
    notices.add({ index: null, code: 'record_pending', message })
  }
}

/** When the checkpoint was signed at the earliest, or is served now. */
function notBefore({ now_s, newest_s }: SeenLog): number {
  return Math.max(now_s ?? 0, newest_s ?? 0)
}
