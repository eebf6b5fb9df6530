/**
 * The mapping file of an import: which column of somebody's export is which member of a strike or of facts.
 *
 *     livegate: import/v1
 *     fields:
 *       id: { column: report_id, prefix: coop- }
 *       category: { column: policy, values: { TERRORISM: terrorism.content }, other: other.terms }
 *       issued_at: { column: created, format: epoch_ms }
 *       source_system: { constant: coop }
 *     historical: { column: archived, equals: ["yes"] }
 *
 * Reads and locates; what a field means is strike-rows.ts and facts-rows.ts. Spec: docs/cli.md, "Mapping files".
 */
import { isCollection, isScalar, LineCounter } from 'yaml'
import { didYouMean } from '../../core/policy/suggest.ts'
import { usage } from '../failure.ts'
import { quote } from '../session.ts'
import { readYaml } from '../yaml.ts'

export const DATE_FORMATS = ['rfc3339', 'epoch_s', 'epoch_ms'] as const
export type DateFormat = (typeof DATE_FORMATS)[number]

/** Where one field comes from. Exactly one of `column` and `constant`. */
export interface FieldMapping {
  readonly column: string | null
  readonly constant: string | null
  /** Replaces a value; one not listed becomes `other`, or stays as it is. */
  readonly values: ReadonlyMap<string, string> | null
  readonly other: string | null
  /** Used where the column is empty. */
  readonly default: string | null
  readonly format: DateFormat
  /** Put before every value that came from the column. */
  readonly prefix: string
  /** Splits a list; a JSON array needs none. */
  readonly separator: string
}

/** Rows whose column has one of these values. */
export interface Marker {
  readonly column: string
  readonly equals: ReadonlySet<string>
}

export interface Mapping {
  readonly fields: ReadonlyMap<string, FieldMapping>
  /** Count for nothing: not sent, not in the preview. */
  readonly historical: Marker | null
  /** Taken back before the import: not sent either. */
  readonly reversed: Marker | null
  /** Every column named, so that a missing one is found before the first row. */
  readonly columns: ReadonlySet<string>
}

export interface KnownField {
  readonly required: boolean
}

const TOP = ['livegate', 'fields', 'historical', 'reversed']
const FIELD_KEYS = [
  'column',
  'constant',
  'values',
  'other',
  'default',
  'format',
  'prefix',
  'separator',
]

type Path = readonly string[]
type Refuse = (path: Path, message: string, hint?: string) => never

/** Reads a mapping for the given fields. Throws wrong usage at the first thing that is wrong, with its place. */
export function parseMapping(
  text: string,
  file: string,
  known: Readonly<Record<string, KnownField>>,
): Mapping {
  const { value, refuse } = readSource(text, file)
  const top = mappingAt(value, [], refuse)
  keysOf(top, TOP, [], refuse)
  if (top.livegate !== 'import/v1') refuse(['livegate'], 'expected `livegate: import/v1`')
  const fields = new Map<string, FieldMapping>()
  const written = mappingAt(top.fields, ['fields'], refuse)
  keysOf(written, Object.keys(known), ['fields'], refuse)
  for (const [name, field] of Object.entries(written))
    fields.set(name, readField(field, ['fields', name], refuse))
  for (const [name, { required }] of Object.entries(known))
    if (required && !fields.has(name)) refuse(['fields'], `field \`${name}\` is missing`)
  const historical = readMarker(top.historical, ['historical'], refuse)
  const reversed = readMarker(top.reversed, ['reversed'], refuse)
  const columns = [...fields.values()].flatMap(({ column }) => (column === null ? [] : [column]))
  for (const marker of [historical, reversed]) if (marker !== null) columns.push(marker.column)
  return { fields, historical, reversed, columns: new Set(columns) }
}

function readSource(text: string, file: string): { value: unknown; refuse: Refuse } {
  const lines = new LineCounter()
  const { document, fault } = readYaml(text, { lineCounter: lines, stringKeys: true })
  const say = (offset: number, message: string, hint?: string): never => {
    const { line, col } = lines.linePos(offset)
    throw usage(`Cannot use mapping: ${file}:${line}:${col} ${message}`, hint)
  }
  if (fault !== null) say(fault.offset, fault.message)
  const refuse: Refuse = (path, message, hint) => {
    let at: Path = path
    let node = document.getIn(at, true)
    while (node === undefined && at.length > 0) {
      at = at.slice(0, -1)
      node = document.getIn(at, true)
    }
    return say(isScalar(node) || isCollection(node) ? (node.range?.[0] ?? 0) : 0, message, hint)
  }
  return { value: document.toJS(), refuse }
}

type Dictionary = Readonly<Record<string, unknown>>

function mappingAt(value: unknown, path: Path, refuse: Refuse): Dictionary {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return refuse(path, `expected a mapping${path.length > 0 ? ` at \`${path.join('.')}\`` : ''}`)
  return value as Dictionary
}

function keysOf(value: Dictionary, known: readonly string[], path: Path, refuse: Refuse): void {
  for (const key of Object.keys(value))
    if (!known.includes(key))
      refuse([...path, key], `unknown key ${quote(key)}`, didYouMean(key, known))
}

function readField(value: unknown, path: Path, refuse: Refuse): FieldMapping {
  if (typeof value === 'string') return fieldOf({ column: value })
  const field = mappingAt(value, path, refuse)
  keysOf(field, FIELD_KEYS, path, refuse)
  const text = (key: string): string | null =>
    field[key] === undefined ? null : scalarText(field[key], [...path, key], refuse)
  const [column, constant, format] = [text('column'), text('constant'), text('format')]
  if ((column === null) === (constant === null))
    refuse(path, 'expected either `column` or `constant`')
  if (format !== null && !isDateFormat(format))
    refuse([...path, 'format'], `expected one of ${DATE_FORMATS.join(', ')}`)
  return fieldOf({
    column,
    constant,
    values: field.values === undefined ? null : readValues(field.values, path, refuse),
    other: text('other'),
    default: text('default'),
    prefix: text('prefix') ?? '',
    separator: text('separator') ?? ',',
    format: isDateFormat(format) ? format : 'rfc3339',
  })
}

function fieldOf(given: Partial<FieldMapping>): FieldMapping {
  return {
    column: null,
    constant: null,
    values: null,
    other: null,
    default: null,
    format: 'rfc3339',
    prefix: '',
    separator: ',',
    ...given,
  }
}

function isDateFormat(text: string | null): text is DateFormat {
  return (DATE_FORMATS as readonly (string | null)[]).includes(text)
}

function readValues(value: unknown, path: Path, refuse: Refuse): ReadonlyMap<string, string> {
  const at = [...path, 'values']
  const entries = Object.entries(mappingAt(value, at, refuse))
  return new Map(entries.map(([from, to]) => [from, scalarText(to, [...at, from], refuse)]))
}

function readMarker(value: unknown, path: Path, refuse: Refuse): Marker | null {
  if (value === undefined) return null
  const marker = mappingAt(value, path, refuse)
  keysOf(marker, ['column', 'equals'], path, refuse)
  const equals = Array.isArray(marker.equals) ? (marker.equals as unknown[]) : [marker.equals]
  return {
    column: scalarText(marker.column, [...path, 'column'], refuse),
    equals: new Set(equals.map((one) => scalarText(one, [...path, 'equals'], refuse))),
  }
}

function scalarText(value: unknown, path: Path, refuse: Refuse): string {
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  return refuse(path, `expected a text at \`${path.join('.')}\``)
}
