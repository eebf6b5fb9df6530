/**
 * `application/x-www-form-urlencoded` as nginx writes it: order kept, duplicates kept, nothing repaired.
 *
 * The usual parsers keep the last value of a repeated field, mend broken escapes and read `+` as a space. Each of
 * these lets a publisher say one thing to the gate and another to the server. nginx escapes `+` itself, so a bare
 * one is a plus.
 */
import { fromUtf8, utf8 } from '../../core/encoding.ts'

/** One field, still escaped. */
export interface RawField {
  readonly name: string
  readonly raw: string
}

/** Fields in order; empty segments are skipped, a field without `=` has the empty value. */
export function splitForm(text: string): readonly RawField[] {
  const fields: RawField[] = []
  for (const segment of text.split('&')) {
    if (segment === '') continue
    const at = segment.indexOf('=')
    fields.push(
      at < 0
        ? { name: segment, raw: '' }
        : { name: segment.slice(0, at), raw: segment.slice(at + 1) },
    )
  }
  return fields
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must be refused.
const CONTROL = /[\x00-\x1f\x7f-\x9f]/

/** Nothing in it is escaped, and nothing needs to be: most fields of most calls. */
const PLAIN = /^[\x20-\x24\x26-\x7e]*$/

/** Text of an escaped value; null for a broken escape, bytes that are not UTF-8, or control characters. */
export function unescapeStrictly(raw: string): string | null {
  if (PLAIN.test(raw)) return raw
  const parts = raw.split('%')
  const bytes: number[] = [...utf8(parts[0] ?? '')]
  for (const part of parts.slice(1)) {
    const hex = part.slice(0, 2)
    if (!/^[0-9A-Fa-f]{2}$/.test(hex)) return null
    bytes.push(Number.parseInt(hex, 16), ...utf8(part.slice(2)))
  }
  const text = fromUtf8(Uint8Array.from(bytes))
  return text === null || CONTROL.test(text) ? null : text
}
