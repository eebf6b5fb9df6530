/**
 * The plans of a log: each revision compiled once, from the text and the activations that stand in the log, nothing else.
 *
 * Semantics are those the record names in `engine`. What a revision inherits follows from the activations up to it
 * (policy/in-force.ts), so knowing later ones too changes nothing.
 */
import type { Activation } from '../../model.ts'
import { type Engine, engineFor } from '../../policy/engines.ts'
import type { Plan } from '../../policy/plan.ts'
import type { EpochMs } from '../../time.ts'

/** What plans follow from; survives structured cloning. */
export interface LogBook {
  /** Exact bytes of every complete text, by digest. */
  readonly texts: ReadonlyMap<string, Uint8Array>
  /** By number. */
  readonly activations: readonly LoggedActivation[]
}

export type LoggedActivation = Pick<Activation, 'revision' | 'digest' | 'cause'> & {
  readonly active_from: number
}

export type FoundPlan =
  | { readonly is: 'plan'; readonly plan: Plan; readonly engine: Engine }
  | { readonly is: 'other_engine' }
  | { readonly is: 'without_policy' }
  /** The text is there and makes no plan. */
  | { readonly is: 'unusable'; readonly why: string }

const MAX_PLANS = 1024

export class LogPlans {
  readonly #made = new Map<string, FoundPlan>()
  readonly #compiled = new Map<string, Plan | null>()
  #book: LogBook

  constructor(book: LogBook = { texts: new Map(), activations: [] }) {
    this.#book = book
  }

  /** A book with more in it. */
  learn(book: LogBook): void {
    this.#book = book
  }

  planFor(under: {
    readonly engine: string
    readonly policy: string
    readonly revision?: number
  }): FoundPlan {
    const key = `${under.revision ?? ''} ${under.policy} ${under.engine}`
    const before = this.#made.get(key)
    if (before !== undefined) return before
    const found = this.#find(under)
    // What is missing may come; a hostile log must not fill the memory.
    if (found.is === 'plan' || found.is === 'unusable') {
      if (this.#made.size >= MAX_PLANS) this.#made.clear()
      this.#made.set(key, found)
    }
    return found
  }

  #find({
    engine: id,
    policy,
    revision,
  }: {
    readonly engine: string
    readonly policy: string
    readonly revision?: number
  }): FoundPlan {
    const engine = engineFor(id)
    if (engine === null) return { is: 'other_engine' }
    const planOf = (digest: string): Plan | null => this.#compile(engine, digest)
    if (!this.#book.texts.has(policy)) return { is: 'without_policy' }
    const plan = planOf(policy)
    if (plan === null) return unusable(`Policy ${policy} does not compile`)
    if (revision === undefined) return { is: 'plan', plan, engine }
    const activations = this.#book.activations.map(whole)
    const one = activations.find((other) => other.revision === revision)
    if (one === undefined || one.digest !== policy) return { is: 'without_policy' }
    const made = engine.planInForce(activations, one, { plan, planOf })
    if (made.ok) return { is: 'plan', plan: made.value, engine }
    return unusable(`Revision ${revision} cannot keep what earlier ones promised`)
  }

  #compile(engine: Engine, digest: string): Plan | null {
    const key = `${digest} ${engine.id}`
    const before = this.#compiled.get(key)
    if (before !== undefined) return before
    const bytes = this.#book.texts.get(digest)
    if (bytes === undefined) return null
    const compiled = engine.compile(bytes, { file: digest })
    const plan = compiled.ok ? compiled.value.plan : null
    if (this.#compiled.size >= MAX_PLANS) this.#compiled.clear()
    this.#compiled.set(key, plan)
    return plan
  }
}

function unusable(why: string): FoundPlan {
  return { is: 'unusable', why: `${why}, yet something was decided under it` }
}

/** In-force looks at number, text, cause and instant alone; the rest is who said it. */
function whole({ revision, digest, cause, active_from }: LoggedActivation): Activation {
  return {
    ...{ revision, digest, cause, active_from: active_from as EpochMs, name: '', by: '' },
    ...{ scheduled: false, previous: null, source: 'api', note: null },
  }
}
