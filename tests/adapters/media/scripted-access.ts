/** A control interface that answers a list of calls in order, and nothing else. */
import type { ControlAccess, ControlFault } from '../../../src/adapters/media/control.ts'
import { utf8 } from '../../../src/core/encoding.ts'

export interface Scripted {
  /** `METHOD path`. */
  readonly call: string
  readonly status: number
  readonly body: string
  /** In place of an answer. */
  readonly fault?: ControlFault
}

export interface ScriptedAccess extends ControlAccess {
  /** Calls that did not come. */
  left(): readonly string[]
  /** Authorization headers of the calls that came. */
  readonly shown: (string | undefined)[]
}

export function scriptedAccess(script: readonly Scripted[]): ScriptedAccess {
  const left = [...script]
  const shown: (string | undefined)[] = []
  return {
    shown,
    left: () => left.map(({ call }) => call),
    async call({ method, path, headers }) {
      const next = left.shift()
      if (next?.call !== `${method} ${path}`)
        throw new Error(`got ${method} ${path}, expected ${next?.call ?? 'nothing'}`)
      shown.push(headers?.authorization)
      if (next.fault !== undefined) return { ok: false, error: next.fault }
      const answer = {
        status: next.status,
        content_type: 'application/json',
        body: utf8(next.body),
      }
      return { ok: true, value: answer }
    },
  }
}
