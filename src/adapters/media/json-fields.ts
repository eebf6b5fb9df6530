/**
 * JSON of media servers, read strictly: UTF-8, no member twice, and text without control characters.
 *
 * Servers spell JSON each in their own way, so the spelling is free. A member given twice is not: parsers disagree which
 * of the two counts, and a publisher may say one thing to the gate and another to the server.
 */
import { fromUtf8 } from '../../core/encoding.ts'
import { splitForm } from './form.ts'

export type JsonFields = Readonly<Record<string, unknown>>

/** Value of a JSON text; undefined for anything else, and where a member is there twice. */
export function readJson(bytes: Uint8Array): unknown {
  const text = fromUtf8(bytes)
  if (text === null) return undefined
  try {
    const value: unknown = JSON.parse(text)
    return hasTwins(text) ? undefined : value
  } catch {
    return undefined
  }
}

/** The object that JSON text holds; null for anything else. */
export function readObject(bytes: Uint8Array): JsonFields | null {
  return fieldsOf(readJson(bytes))
}

export function fieldsOf(value: unknown): JsonFields | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as JsonFields)
    : null
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must be refused.
const CONTROL = /[\x00-\x1f\x7f-\x9f]/
/** Longest text of a hook that is looked at; names and keys are far shorter. */
const MAX_TEXT = 2_048

/** A member that is text, maybe empty; null when it is missing, something else, too long or not clean. */
export function textOf(fields: JsonFields | null, name: string): string | null {
  const value = fields !== null && Object.hasOwn(fields, name) ? fields[name] : undefined
  if (typeof value !== 'string' || value.length > MAX_TEXT) return null
  return CONTROL.test(value) || !value.isWellFormed() ? null : value
}

/** What a publisher wrote behind `?`, in order and still escaped. */
export function argsOf(query: string): readonly (readonly [string, string])[] {
  return splitForm(query.replace(/^\?/, '')).map(({ name, raw }) => [name, raw] as const)
}

/** Whether valid JSON text names a member of one object twice; escapes count as what they stand for. */
function hasTwins(text: string): boolean {
  const seen: (Set<string> | null)[] = []
  for (let at = 0; at < text.length; at++) {
    const char = text[at]
    if (char === '{') seen.push(new Set())
    else if (char === '[') seen.push(null)
    else if (char === '}' || char === ']') seen.pop()
    else if (char === '"') {
      const end = endOfString(text, at)
      const names = seen[seen.length - 1]
      if (names && isName(text, end)) {
        const name = JSON.parse(text.slice(at, end)) as string
        if (names.has(name)) return true
        names.add(name)
      }
      at = end - 1
    }
  }
  return false
}

/** Index behind the closing quote of the string that opens at `start`. */
function endOfString(text: string, start: number): number {
  let at = start + 1
  while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1
  return at + 1
}

function isName(text: string, end: number): boolean {
  let at = end
  while (/[ \t\r\n]/.test(text[at] ?? '')) at++
  return text[at] === ':'
}
