/**
 * From the cells of a row to the members of a noun: constants, value maps, defaults, dates, numbers, lists.
 *
 * Each reader gives the value, undefined where the row says nothing, or throws `RowProblem` with a sentence that names
 * the field. Nothing is guessed: a date is RFC 3339 or an epoch number as the mapping says, `yes` is not `true`.
 */
import { type EpochMs, isEpochMs, parseInstant } from '../../core/time.ts'
import { quote } from '../session.ts'
import type { FieldMapping, Mapping, Marker } from './mapping.ts'
import type { Row } from './rows.ts'

/** Why a row cannot be imported. */
export class RowProblem extends Error {}

/** Reads the fields of one row. */
export interface Cells {
  text(field: string): string | undefined
  /** As `text`, refusing a row without. */
  need(field: string): string
  instant(field: string): EpochMs | undefined
  integer(field: string): number | undefined
  boolean(field: string): boolean | undefined
  list(field: string): readonly string[] | undefined
}

/** Readers for `row` under `mapping`. */
export function cellsOf(row: Row, mapping: Mapping): Cells {
  const text = (field: string): string | undefined => {
    const from = mapping.fields.get(field)
    return from === undefined ? undefined : writtenIn(row, from, field)
  }
  const parsed =
    <T>(read: (text: string, from: FieldMapping) => T | null, expected: string) =>
    (field: string): T | undefined => {
      const from = mapping.fields.get(field)
      const written = text(field)
      if (from === undefined || written === undefined) return undefined
      const value = read(written, from)
      if (value === null)
        throw new RowProblem(`${field} is ${quote(written)}, expected ${expected}`)
      return value
    }
  return {
    text,
    need(field) {
      const value = text(field)
      if (value === undefined) throw new RowProblem(`${field} is empty`)
      return value
    },
    instant: parsed(instantOf, 'an instant in the format of the mapping'),
    integer: parsed(
      (value) => (/^-?[0-9]{1,15}$/.test(value) ? Number(value) : null),
      'a whole number',
    ),
    boolean: parsed(
      (value) => (value === 'true' ? true : value === 'false' ? false : null),
      'true or false',
    ),
    list(field) {
      const from = mapping.fields.get(field)
      const cell = from?.column === null || from === undefined ? null : row.cell(from.column)
      if (from !== undefined && Array.isArray(cell)) return cell.map((one) => mapped(one, from))
      const written = text(field)
      return written?.split(from?.separator ?? ',').flatMap((one) => one.trim() || [])
    },
  }
}

/** True for a row the marker names. */
export function isMarked(row: Row, marker: Marker | null): boolean {
  if (marker === null) return false
  const cell = row.cell(marker.column)
  return typeof cell === 'string' && marker.equals.has(cell)
}

function writtenIn(row: Row, from: FieldMapping, field: string): string | undefined {
  if (from.column === null) return from.constant ?? undefined
  const cell = row.cell(from.column)
  if (cell === null) return from.default ?? undefined
  if (typeof cell !== 'string') throw new RowProblem(`${field} is a list, expected one value`)
  return mapped(cell, from)
}

function mapped(value: string, from: FieldMapping): string {
  if (from.values === null) return from.prefix + value
  return from.prefix + (from.values.get(value) ?? from.other ?? value)
}

function instantOf(written: string, from: FieldMapping): EpochMs | null {
  if (from.format === 'rfc3339') {
    const instant = parseInstant(written)
    return instant.ok ? instant.value : null
  }
  if (!/^-?[0-9]{1,15}(\.[0-9]{1,9})?$/.test(written)) return null
  const value = Math.trunc(Number(written) * (from.format === 'epoch_s' ? 1000 : 1))
  return isEpochMs(value) ? value : null
}
