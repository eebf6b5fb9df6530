/**
 * Records somebody was handed, looked for in the log: what a log left out can only be shown from outside.
 *
 * A record signed under a key of this log is its promise: at the index of its receipt there must be exactly its bytes,
 * and without receipt it must be there at all once `mmd` has passed. A record no key of the log has signed is
 * nobody's promise and proves nothing. Spec: docs/spec/record.md, "Promise".
 */
import { utf8 } from '../../core/encoding.ts'
import { leafOf } from '../../core/record/hashing.ts'
import type { RecordKey } from '../../core/record/jwk.ts'
import { verifyRecord } from '../../core/record/verify.ts'
import { nodeHasher, verifyEd25519 } from './ed25519.ts'
import type { GivenRecord } from './given-record.ts'

export interface OutsideFinding {
  readonly index: number | null
  readonly code: 'receipt_broken' | 'record_missing'
  readonly message: string
}

export interface OutsideReport {
  readonly given: number
  readonly found: number
  readonly findings: readonly OutsideFinding[]
  /** Sentences about records that prove nothing either way. */
  readonly open: readonly string[]
}

export class OutsideRecords {
  readonly #given = new Map<string, GivenRecord>()
  /** Text by its leaf hash. */
  readonly #byLeaf = new Map<string, string>()
  readonly #foundAt = new Map<string, number[]>()

  add(record: GivenRecord): void {
    const known = this.#given.get(record.jws)
    if (known === undefined || known.index === null) this.#given.set(record.jws, record)
    this.#byLeaf.set(textOf(leafOf(utf8(record.jws), nodeHasher)), record.jws)
  }

  get empty(): boolean {
    return this.#given.size === 0
  }

  /** An entry of the log, by its leaf hash. */
  seen(leaf: Uint8Array, index: number): void {
    const jws = this.#byLeaf.get(textOf(leaf))
    if (jws === undefined) return
    this.#foundAt.set(jws, [...(this.#foundAt.get(jws) ?? []), index])
  }

  /** `from` and `size`: which entries were seen. `now_s`: the auditor's clock, seconds; null for a copy of unknown age. */
  async report(input: {
    readonly keys: readonly RecordKey[]
    readonly from: number
    readonly size: number
    readonly now_s: number | null
  }): Promise<OutsideReport> {
    const ring = new Map(
      input.keys.map((key) => [key.kid, { ...key, from: 0, until: null }] as const),
    )
    const findings: OutsideFinding[] = []
    const open: string[] = []
    let found = 0
    for (const record of this.#given.values()) {
      const places = this.#foundAt.get(record.jws) ?? []
      if (places.length > 0 && (record.index === null || places.includes(record.index))) {
        found++
        continue
      }
      const where = `The record of line ${record.line}`
      const signed = await verifyRecord(record.jws, ring, { verifyEd25519 })
      if (!signed.ok)
        open.push(`${where} is not signed by a key of this log: ${signed.error.code}.`)
      else judge(record, where, { ...input, iat: signed.value.claims, findings, open })
    }
    return { given: this.#given.size, found, findings, open }
  }
}

function textOf(leaf: Uint8Array): string {
  return Buffer.from(leaf).toString('latin1')
}

interface Judging {
  readonly from: number
  readonly size: number
  readonly now_s: number | null
  readonly iat: { readonly iat: number; readonly mmd: number }
  readonly findings: OutsideFinding[]
  readonly open: string[]
}

function judge(record: GivenRecord, where: string, judging: Judging): void {
  const { from, size, now_s, iat, findings, open } = judging
  const { index } = record
  if (index !== null && index < from) {
    open.push(`${where} stands before the entries looked at in this run.`)
  } else if (index !== null && index < size) {
    findings.push({
      index,
      code: 'receipt_broken',
      message: `${where} is signed, and its receipt says index ${index}, where other bytes stand`,
    })
  } else if (from === 0 && now_s !== null && iat.iat + iat.mmd < now_s) {
    findings.push({
      index: null,
      code: 'record_missing',
      message: `${where} is signed, is not in the log, and its time to appear (${iat.mmd} s) is over`,
    })
  } else {
    open.push(`${where} is signed and not in the log yet; its time to appear may not be over.`)
  }
}
