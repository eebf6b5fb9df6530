/**
 * The semantics a record names in `engine`, each with the functions that have them: what replay evaluates with.
 *
 * A decision means what it meant when it was made. Whoever changes an outcome gives the new semantics another id
 * (plan.ts), and keeps the functions of the old one here for as long as records of it are kept; tests/vectors/corpus
 * holds logs of every id. Spec: docs/spec/record.md, "Engines". Next: evaluate.ts.
 */
import { compilePolicy } from './compile.ts'
import { evaluate } from './evaluate.ts'
import { planInForce } from './in-force.ts'
import { ENGINE } from './plan.ts'

/** One version of what a policy's text and facts mean. */
export interface Engine {
  readonly id: string
  readonly compile: typeof compilePolicy
  /** What a compiled text inherits of the revisions before it. */
  readonly planInForce: typeof planInForce
  readonly evaluate: typeof evaluate
}

const ENGINES: ReadonlyMap<string, Engine> = new Map(
  [{ id: ENGINE, compile: compilePolicy, planInForce, evaluate }].map((one) => [one.id, one]),
)

/** The semantics of an id; null when this version does not have them: then nothing can be replayed, which proves no lie. */
export function engineFor(id: string): Engine | null {
  return ENGINES.get(id) ?? null
}

/** Every id there are semantics for. */
export function engineIds(): readonly string[] {
  return [...ENGINES.keys()]
}
