/**
 * livegate as a library: named re-exports only, no logic.
 *
 * `createGate(ports)` embeds a gate in a program of your own; adapters/memory and adapters/node give ready ports.
 * `liveGate` guards a Hono route; `createClient` (also as `livegate/client`) asks a gate over HTTP and verifies what it
 * says. What a verifier or auditor needs is exported too.
 */
export {
  type AskResult,
  type Client,
  type ClientOptions,
  createClient,
  type DecisionQuestion,
  type VerifiedAnswer,
} from './adapters/client/client.ts'
export {
  type LiveGateOptions,
  type LiveGateVariables,
  liveGate,
} from './adapters/client/live-gate.ts'
export { LivegateError, type ProblemCode } from './core/errors.ts'
export type {
  Decision,
  DelayMode,
  Facts,
  Outcome,
  Reason,
  Restriction,
  Strike,
  SubjectFacts,
} from './core/model.ts'
export { compilePolicy } from './core/policy/compile.ts'
export { type Diagnostic, formatDiagnostic } from './core/policy/diagnostic.ts'
export { evaluate } from './core/policy/evaluate.ts'
export { explain } from './core/policy/explain.ts'
export { ENGINE, type Plan } from './core/policy/plan.ts'
export { openDisclosures } from './core/record/disclosure.ts'
export { createIssuer } from './core/record/issue.ts'
export { keyRing, parseJwks } from './core/record/jwk.ts'
export { parsePresentation } from './core/record/presentation.ts'
export { verifyRecord } from './core/record/verify.ts'
export { type DurationMs, type EpochMs, formatInstant, parseInstant } from './core/time.ts'
export type { GatePorts, GateSettings } from './gate/context.ts'
export { createGate } from './gate.ts'
export type * from './gate-types.ts'
export type * from './ports.ts'
