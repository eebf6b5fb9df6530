/**
 * livegate as a library: named re-exports only, no logic. Guide: docs/library.md.
 *
 * `liveGate` guards a Hono route; `createClient` (also as `livegate/client`) asks a gate over HTTP and verifies what it
 * says; `createMemoryGate` is a whole gate for tests; `createGate(ports)` embeds one over stores of your own. What a
 * verifier or auditor needs is exported too.
 */
export type {
  AnswerReason,
  AskResult,
  DecisionQuestion,
  VerifiedAnswer,
} from './adapters/client/answer.ts'
export { type Client, type ClientOptions, createClient } from './adapters/client/client.ts'
export {
  type Ask,
  type LiveGateOptions,
  type LiveGateVariables,
  liveGate,
} from './adapters/client/live-gate.ts'
export type { GateQuestion, LocalOptions } from './adapters/client/local.ts'
export {
  type BoundStreamKey,
  createOperator,
  GateUnanswered,
  type NewStreamKey,
  type Operator,
  type OperatorOptions,
  type Renewal,
  type RotatedKey,
  type RunningBroadcast,
} from './adapters/client/operator.ts'
export {
  createMemoryGate,
  type MemoryGate,
  type MemoryGateOptions,
} from './adapters/memory/gate.ts'
export { createMemoryStore, type MemoryStore } from './adapters/memory/store.ts'
export { type Audit, createAudit } from './core/audit/audit.ts'
export type { AuditEntry, AuditOptions, AuditReport } from './core/audit/audit-types.ts'
export type { Finding, FindingCode, Notice, NoticeCode } from './core/audit/findings.ts'
export { type RangeResult, type SignatureRange, verifyRange } from './core/audit/range.ts'
export { LogPlans } from './core/audit/replay/log-plans.ts'
export { type ReplayResult, rederive } from './core/audit/replay/rederive.ts'
export { scanEntry } from './core/audit/scan.ts'
export type { AuditState } from './core/audit/state.ts'
export type { SignedHead as AuditHead } from './core/audit/tree.ts'
export { LivegateError, type ProblemCode } from './core/errors.ts'
export type { EvidenceFault, EvidenceFaultCode } from './core/evidence/faults.ts'
export {
  type EvidenceReport,
  type EvidenceRequest,
  type EvidenceVerdict,
  verifyEvidence,
} from './core/evidence/verify.ts'
export type {
  Activation,
  Decision,
  DelayMode,
  Facts,
  Outcome,
  Reason,
  Restriction,
  Strike,
  SubjectFacts,
} from './core/model.ts'
export { decidesAt } from './core/policy/activation.ts'
export { type Affected, affected } from './core/policy/affected.ts'
export { compilePolicy } from './core/policy/compile.ts'
export { type Diagnostic, formatDiagnostic } from './core/policy/diagnostic.ts'
export { evaluate } from './core/policy/evaluate.ts'
export { explain } from './core/policy/explain.ts'
export { type PlanOf, planInForce } from './core/policy/in-force.ts'
export { type InheritProblem, inherit, type Revision } from './core/policy/inherit.ts'
export { ENGINE, type Plan } from './core/policy/plan.ts'
export { openDisclosures } from './core/record/disclosure.ts'
export { createIssuer } from './core/record/issue.ts'
export { keyRing, parseJwks } from './core/record/jwk.ts'
export { parsePresentation } from './core/record/presentation.ts'
export { verifyRecord } from './core/record/verify.ts'
export { type DurationMs, type EpochMs, epochMs, formatInstant, parseInstant } from './core/time.ts'
export { cosignatureVerifier } from './core/tlog/cosignature.ts'
export { ed25519Verifier, type NoteVerifier, type VerifyEd25519 } from './core/tlog/note.ts'
export type { After, GatePorts, GateSettings, Issuer } from './gate/context.ts'
export {
  type BookOptions,
  createPolicyBook,
  type PolicyBook,
  type TextOf,
} from './gate/policy-book.ts'
export { createGate } from './gate.ts'
export type * from './gate-types.ts'
export type * from './ports.ts'
