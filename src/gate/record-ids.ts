/**
 * Ids of records: 22 characters, 16 bytes. The second a record was made in (already public as `iat`) in 32 bits, then what
 * keeps two of them apart.
 *
 * A process that makes the records of many subjects numbers those of a second in the next 16 bits: their order says no more
 * than the order of the log, and a store finds one of them without looking through its whole second (ADR 0012). Where each
 * subject has a process of its own these bits are random as well: a number there would tell which records are one person's.
 * Next stop: adapters/sqlite/records.ts.
 */
import { toBase64Url } from '../core/encoding.ts'
import type { EpochMs } from '../core/time.ts'
import type { Random } from '../ports.ts'

/** An id for a record made at `at`, never the same twice. */
export type NewRecordId = (at: EpochMs) => string

const ID_BYTES = 16
const SECOND_BYTES = 4
const NUMBER_BYTES = 2
const LAST_NUMBER = 2 ** (8 * NUMBER_BYTES) - 1

/** 96 random bits behind the second. */
export function randomRecordIds(random: Random): NewRecordId {
  return (at) => {
    const bytes = random.bytes(ID_BYTES)
    write(bytes, 0, SECOND_BYTES, secondAt(at))
    return toBase64Url(bytes)
  }
}

/** Which of its second it is, from 0, then 80 random bits; after 65,536 in one second all are the last one. */
export function numberedRecordIds(random: Random): NewRecordId {
  let [second, number] = [-1, -1]
  return (at) => {
    const now = secondAt(at)
    number = now === second ? Math.min(number + 1, LAST_NUMBER) : 0
    second = now
    const bytes = random.bytes(ID_BYTES)
    write(bytes, 0, SECOND_BYTES, now)
    write(bytes, SECOND_BYTES, NUMBER_BYTES, number)
    return toBase64Url(bytes)
  }
}

function secondAt(at: EpochMs): number {
  return Math.floor(at / 1000)
}

/** Big-endian; bits above `length` bytes are cut off. */
function write(bytes: Uint8Array, from: number, length: number, value: number): void {
  for (let i = 0; i < length; i++)
    bytes[from + i] = Math.floor(value / 256 ** (length - 1 - i)) % 256
}
