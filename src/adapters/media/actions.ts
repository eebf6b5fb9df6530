/**
 * Hooks that are a JSON object whose `action` says what happened: the frame SRS and node-media-server share.
 *
 * Which actions there are and what an event holds is each dialect's own: srs.ts, nms.ts.
 */
import { err, ok, type Result } from '../../core/result.ts'
import type { HookCall, MediaEvent } from './dialect.ts'
import { type JsonFields, readObject, textOf } from './json-fields.ts'

type ActionKind = MediaEvent['kind']

/** The event, or what is wrong with the call. `actions` lists every action there is. */
export function parseAction(
  call: HookCall,
  actions: Readonly<Record<string, ActionKind>>,
  eventOf: (kind: Exclude<ActionKind, 'other'>, fields: JsonFields) => Result<MediaEvent, string>,
): Result<MediaEvent, string> {
  if (call.method !== 'POST') return err('method is not POST')
  const fields = readObject(call.body)
  if (fields === null) return err('body is not a JSON object')
  const action = textOf(fields, 'action') ?? ''
  const kind = Object.hasOwn(actions, action) ? actions[action] : undefined
  if (kind === undefined) return err('unknown action')
  return kind === 'other' ? ok({ kind }) : eventOf(kind, fields)
}
