/**
 * JSON answers of control interfaces, read or refused as a whole, and lists that come in pages.
 *
 * What is not exactly what a driver knows is `unreadable`: a list that lacks one publisher would end his lease.
 */
import { fromUtf8 } from '../../core/encoding.ts'
import { err, ok, type Result } from '../../core/result.ts'
import type { ControlAccess, ControlCall, ControlFault, LiveSession } from './control.ts'
import { fieldsOf, type JsonFields } from './json-fields.ts'

export interface JsonAnswer {
  readonly status: number
  /** Null where the body is no JSON object. */
  readonly fields: JsonFields | null
}

export async function callJson(
  access: ControlAccess,
  call: ControlCall,
): Promise<Result<JsonAnswer, ControlFault>> {
  const answer = await access.call(call)
  if (!answer.ok) return answer
  return ok({ status: answer.value.status, fields: objectOf(answer.value.body) })
}

/** The object a GET answers with status 200; anything else is unreadable. */
export async function getJson(
  access: ControlAccess,
  path: string,
): Promise<Result<JsonFields, ControlFault>> {
  const answer = await callJson(access, { method: 'GET', path })
  if (!answer.ok) return answer
  const { status, fields } = answer.value
  return status === 200 && fields !== null ? ok(fields) : err('unreadable')
}

/** No look for members given twice: only the server writes these, and lists are long. */
function objectOf(body: Uint8Array): JsonFields | null {
  const text = fromUtf8(body)
  if (text === null) return null
  try {
    return fieldsOf(JSON.parse(text))
  } catch {
    return null
  }
}

/** Items on a page: a thousand streams are below one mebibyte. */
export const PAGE = 1_000
/** More publishers than one server has. */
const MAX_PAGES = 20

export interface Page {
  readonly sessions: readonly LiveSession[]
  readonly last: boolean
}

/** All pages; a session on two of them, because the list moved meanwhile, counts once. */
export async function allPages(
  read: (page: number) => Promise<Result<Page, ControlFault>>,
): Promise<Result<readonly LiveSession[], ControlFault>> {
  const found = new Map<string, LiveSession>()
  for (let page = 0; page < MAX_PAGES; page++) {
    const one = await read(page)
    if (!one.ok) return one
    for (const session of one.value.sessions) found.set(session.session, session)
    if (one.value.last) return ok([...found.values()])
  }
  return err('too_large')
}

/** Every item of a list as `one` reads it, without those that are no publishers; null as soon as one cannot be read. */
export function everyItem(
  list: unknown,
  one: (item: JsonFields) => LiveSession | 'none' | null,
): readonly LiveSession[] | null {
  if (!Array.isArray(list)) return null
  const sessions: LiveSession[] = []
  for (const item of list as readonly unknown[]) {
    const fields = fieldsOf(item)
    const session = fields === null ? null : one(fields)
    if (session === null) return null
    if (session !== 'none') sessions.push(session)
  }
  return sessions
}
