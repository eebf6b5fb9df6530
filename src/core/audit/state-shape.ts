/**
 * What the JSON of an audit's state must look like, so that a damaged file is refused instead of ending an audit midway.
 *
 * Says nothing about whether it is true: the file is the auditor's own (state.ts). Members are those of the states that
 * audit.ts and its parts write; one that is not known is refused, as it would be forgotten.
 */
import { fromBase64Url } from '../encoding.ts'
import { ACTIVATION_CAUSES } from '../model.ts'
import { RECORD_KINDS } from '../record/kinds.ts'
import {
  boolean,
  type Check,
  instant,
  integer,
  list,
  mapOf,
  nullable,
  object,
  oneOf,
  optional,
  required,
  type ShapeFault,
  text,
} from '../record/shape.ts'
import { decodeEdge } from '../tlog/edge.ts'
import type { HeartbeatState } from './heartbeats.ts'
import type { TreeState } from './tree.ts'

/** As many as there are: the file's size is bounded by whoever reads it. */
const MANY: number = Number.MAX_SAFE_INTEGER
const ANY_NUMBER = integer(Number.MIN_SAFE_INTEGER)
const COUNT = integer(0)
const WORD = text(MANY, { min: 0 })
const BASE64URL = text(MANY, { min: 0, pattern: /^[A-Za-z0-9_-]*$/ })
const DIGEST = text(43, { pattern: /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/ })
const POLICY_DIGEST = text(50, { pattern: /^sha256-[A-Za-z0-9_-]{43}$/ })
const yes: Check = (value) =>
  value === true ? null : { path: '', problem: 'wrong', expected: 'true' }

const KEY = object({
  jwk: required(
    object({
      kty: required(oneOf(['OKP'])),
      crv: required(oneOf(['Ed25519'])),
      x: required(DIGEST),
    }),
  ),
  from: required(COUNT),
  until: required(nullable(COUNT)),
  revoked: optional(yes),
})
const PRIOR = {
  revision: required(integer(1)),
  digest: required(POLICY_DIGEST),
  active_from: required(instant),
}
const HEAD = object({
  seq: required(COUNT),
  at: required(ANY_NUMBER),
  unopened: required(COUNT),
  leaves: required(list(WORD, MANY)),
  first: optional(COUNT),
})
const LOGGED = tuple([nullable(ANY_NUMBER), ANY_NUMBER, number])
const HOLD = object({
  stream: required(WORD),
  rule: required(WORD),
  at: required(ANY_NUMBER),
  index: required(ANY_NUMBER),
  own: required(boolean),
  floor: required(nullable(ANY_NUMBER)),
})
const REVIEW = object({
  stream: required(WORD),
  rule: required(WORD),
  result: required(oneOf(['released', 'refused'])),
  at: required(ANY_NUMBER),
})
const MEMORY = tuple([
  integer(0, 3),
  list(tuple([WORD, integer(0, 1), LOGGED, nullable(LOGGED)]), MANY),
  list(HOLD, MANY),
  list(REVIEW, MANY),
  nullable(list(tuple([WORD, nullable(ANY_NUMBER)]), MANY)),
])
const RUN = tuple([integer(-1, RECORD_KINDS.length - 1), COUNT])

const STATE = object({
  version: required(integer(1, 1)),
  origin: required(WORD),
  issuer: optional(WORD),
  size: required(COUNT),
  tree: required(object({ root: required(DIGEST), edge: required(BASE64URL) })),
  keys: required(list(KEY, MANY)),
  checkpoint_keys: optional(list(KEY, MANY)),
  policies: required(
    object({
      texts: required(mapOf(/^/, BASE64URL, MANY)),
      parts: required(
        list(
          object({
            digest: required(POLICY_DIGEST),
            part: required(COUNT),
            of: required(COUNT),
            text: required(BASE64URL),
          }),
          MANY,
        ),
      ),
    }),
  ),
  activations: optional(
    list(
      object({
        ...PRIOR,
        cause: required(oneOf(ACTIVATION_CAUSES)),
        logged: required(COUNT),
      }),
      MANY,
    ),
  ),
  activations_awaited: optional(list(object(PRIOR), MANY)),
  incidents: optional(
    list(
      object({
        change: required(
          object({
            change: required(integer(1)),
            active: required(boolean),
            id: required(WORD),
            scope: required(WORD),
            at: required(instant),
            until: optional(instant),
            expires_at: optional(instant),
            confirmed: optional(boolean),
            by: required(WORD),
          }),
        ),
        logged: required(COUNT),
      }),
      MANY,
    ),
  ),
  chains: required(
    object({
      heads: required(mapOf(/^/, HEAD, MANY)),
      unopened: required(COUNT),
      elsewhere: optional(boolean),
    }),
  ),
  time: required(object({ latest: required(COUNT), elapsed: required(COUNT) })),
  replay: optional(
    object({
      chains: required(mapOf(/^/, MEMORY, MANY)),
      strangers: optional(yes),
    }),
  ),
  erased: optional(list(tuple([WORD, COUNT]), MANY)),
  heartbeats: required(object({ next: required(COUNT), runs: required(list(RUN, MANY)) })),
  beat: optional(number),
  enforcers: optional(
    list(tuple([WORD, WORD, ANY_NUMBER, COUNT, list(tuple([COUNT, COUNT]), MANY)]), MANY),
  ),
  recent: required(list(WORD, MANY)),
  succession: optional(
    object({
      closing: required(
        nullable(object({ index: required(COUNT), successors: required(list(WORD, MANY)) })),
      ),
      predecessor: required(
        nullable(
          object({
            origin: required(WORD),
            checked: required(boolean),
            keys: required(list(WORD, MANY)),
          }),
        ),
      ),
    }),
  ),
})

/** Where a value is no state an audit could have written; null when it may be one. */
export function stateFault(value: unknown): ShapeFault | null {
  return STATE(value) ?? sizeFault(value as Sized) ?? orderFault(value as Sized)
}

interface Sized {
  readonly size: number
  readonly tree: TreeState
  readonly heartbeats: HeartbeatState
  readonly activations?: readonly { readonly revision: number }[]
}

/** The tree says how many entries there were; heartbeats cannot await more of them. */
function sizeFault({ size, tree, heartbeats }: Sized): ShapeFault | null {
  const bytes = fromBase64Url(tree.edge)
  const edge = bytes === null ? null : decodeEdge(bytes)
  const wrong = { path: 'size', problem: 'wrong', expected: 'the size of the tree' } as const
  if (edge === null || !edge.ok || edge.value.size !== size) return wrong
  const awaited = heartbeats.runs.reduce((sum, [, count]) => sum + count, 0)
  return awaited > size ? { ...wrong, path: 'heartbeats' } : null
}

/** Plans are derived from activations in the order of their numbers. */
function orderFault({ activations = [] }: Sized): ShapeFault | null {
  const rises = activations.every(
    ({ revision }, i) => i === 0 || revision > (activations[i - 1]?.revision ?? 0),
  )
  return rises ? null : { path: 'activations', problem: 'wrong', expected: 'rising numbers' }
}

function number(value: unknown): ShapeFault | null {
  return typeof value === 'number' ? null : { path: '', problem: 'wrong', expected: 'a number' }
}

/** A list of exactly these, in order. */
function tuple(items: readonly Check[]): Check {
  const any = list(() => null, items.length, items.length)
  return (value) => {
    const fault = any(value)
    if (fault !== null) return fault
    for (const [i, item] of items.entries()) {
      const inner = item((value as readonly unknown[])[i])
      if (inner !== null)
        return { ...inner, path: inner.path === '' ? `${i}` : `${i}.${inner.path}` }
    }
    return null
  }
}
