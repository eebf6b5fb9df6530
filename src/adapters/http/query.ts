/**
 * Reads query strings as strictly as bodies: a misspelt filter would search for something else unnoticed.
 */
import type { Context } from 'hono'
import { invalidMembers, type Reader, read } from './atoms.ts'
import { isDecodable } from './escapes.ts'

/** The query of a request; `verb` completes "Cannot …". Throws `invalid_request` with a pointer per parameter. */
export function readQuery<T>(c: Context, schema: Reader<T>, verb: string): T {
  const values: Record<string, string> = {}
  const { search, searchParams } = new URL(c.req.url)
  if (!isDecodable(search))
    throw invalidMembers(verb, [{ pointer: '', detail: 'expected percent escapes of UTF-8 text' }])
  for (const [name, value] of searchParams) {
    if (Object.hasOwn(values, name))
      throw invalidMembers(verb, [{ pointer: '', detail: 'expected each parameter once' }])
    Object.defineProperty(values, name, { value, enumerable: true, configurable: true })
  }
  return read(schema, values, verb)
}
