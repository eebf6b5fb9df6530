/**
 * What became of broadcasts, as their own chains tell it: looked at again as what began, cut by an order that was given.
 *
 * Judges only chains it has seen whole, from their first record on, and remembers the most recent of those: a chain that is
 * forgotten, or that another audit had begun with, accuses nobody. Spec: docs/spec/record.md, "Auditing". Next: chain-replay.ts.
 */
import type { EvaluatedTrace } from './trace.ts'

/** A broadcast looked at again. */
export interface AgainTrace {
  readonly event: 'renewed' | 'revoked'
  readonly broadcast: string
  /** `jti` of the record itself: what a cut of it names. */
  readonly jti: string
  /** `running_since` of its facts; null where there is none. */
  readonly since: number | null
  /** Whether its result says it may run; null where it says nothing. */
  readonly runs: boolean | null
  /** `enforce` of its facts; absent where there is none. */
  readonly door?: string
  /** Hash of what was asked, as OpensTrace has it; absent where it could no longer be read. */
  readonly asked?: string
}

/** A broadcast that was let start. */
export interface OpensTrace {
  readonly id: string
  readonly lease_until: number
  /** `enforce` of its facts; absent where there is none. */
  readonly door?: string
  /** Hash of its stream, its request, and what can be carried out for it once it runs. */
  readonly asked: string
}

export interface CutTrace {
  readonly id: string
  readonly ordered: string | null
  readonly took_ms: number | null
}

interface Order {
  readonly broadcast: string
  /** Null: that of a decision which is not remembered. */
  readonly at: number | null
}

/** A decision that let something start. */
interface Start extends Pick<OpensTrace, 'asked'> {
  readonly id: string
  readonly at: number
  /** For whom the policy was enforced. */
  readonly door: string | undefined
}

interface Life {
  /** In the order of the chain: nearly all are written once and never looked for. */
  readonly starts: Start[]
  /** What has to stop, by the id of the record that says so. */
  readonly orders: Map<string, Order>
}

const MAX_SUBJECTS = 65_536
const MAX_EACH = 512

export class Lives {
  /** Those that had a record last come last. */
  readonly #lives = new Map<string, Life>()

  /** Every record of a chain, before it is judged; `whole` false: something of it was not seen. */
  saw(sub: string, seq: number, whole: boolean): void {
    const life = seq === 1 ? { starts: [], orders: new Map() } : this.#lives.get(sub)
    this.#lives.delete(sub)
    if (life === undefined || !whole) return
    this.#lives.set(sub, life)
    if (this.#lives.size <= MAX_SUBJECTS) return
    const oldest = this.#lives.keys().next().value
    if (oldest !== undefined) this.#lives.delete(oldest)
  }

  forget(sub: string): void {
    this.#lives.delete(sub)
  }

  /** A decision, or something looked at again; a sentence when that is not how it goes on. */
  evaluated(sub: string, at: number, { opens, again }: EvaluatedTrace): string | null {
    const life = this.#lives.get(sub)
    if (opens !== null && life !== undefined) {
      life.starts.push({ id: opens.id, at, door: opens.door, asked: opens.asked })
      this.#bound(sub, life.starts.length)
    }
    if (again === undefined) return null
    const { event, broadcast, jti, since, runs } = again
    if (event === 'revoked' && life !== undefined) this.#order(sub, life, jti, { broadcast, at })
    if (runs !== null && runs !== (event === 'renewed'))
      return runs
        ? 'A broadcast is revoked that its own result lets go on'
        : 'A broadcast is renewed that its own result stops'
    const began = life === undefined ? undefined : startOf(life, broadcast)
    if (began === undefined) return null
    if (since !== null && began.at !== since)
      return `\`running_since\` is ${since}; the decision that let it start was made at ${began.at}`
    return otherDoor(again, began.door) ?? otherQuestion(again, began)
  }

  /** What ran before it was decided may be cut by order of its own decision. */
  late(sub: string, decision: string): void {
    const life = this.#lives.get(sub)
    if (life !== undefined)
      this.#order(sub, life, decision, {
        broadcast: decision,
        at: startOf(life, decision)?.at ?? null,
      })
  }

  /** A sentence for a cut nobody ordered, or that did not take what it says. */
  cut(sub: string, at: number, { id, ordered, took_ms }: CutTrace): string | null {
    if (ordered === null || took_ms === null) return 'A cut does not say what ordered it, and when'
    const life = this.#lives.get(sub)
    if (life === undefined) return null
    const order = life.orders.get(ordered)
    life.orders.delete(ordered)
    if (order === undefined || order.broadcast !== id)
      return 'A cut names an order that its chain does not hold'
    if (order.at === null || at - order.at === took_ms) return null
    return `A cut took ${took_ms} ms by its own word, ${at - order.at} ms by its chain`
  }

  #order(sub: string, { orders }: Life, id: string, order: Order): void {
    orders.set(id, order)
    this.#bound(sub, orders.size)
  }

  /** So many accuse nobody: their chain is not judged any more. */
  #bound(sub: string, count: number): void {
    if (count > MAX_EACH) this.#lives.delete(sub)
  }
}

function startOf({ starts }: Life, id: string): Start | undefined {
  return starts.findLast((one) => one.id === id)
}

/** What runs is looked at as it was let start. Where that can no longer be read, in earnest: then nothing is extended. */
function otherDoor({ event, door }: AgainTrace, began: string | undefined): string | null {
  if (door === began || (event === 'revoked' && door === undefined)) return null
  return `\`enforce\` is ${door ?? 'on'}; the decision that let it start says ${began ?? 'on'}`
}

/** What was asked at the start is asked again, and nothing else; where that can no longer be read, nothing is extended. */
function otherQuestion({ event, asked }: AgainTrace, began: Start): string | null {
  if (asked === began.asked || (event === 'revoked' && asked === undefined)) return null
  return '`stream`, `request` or `supports` is not what the decision that let it start says'
}
