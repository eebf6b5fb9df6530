/**
 * An author's test file to cases that can be run: names resolved, facts built, positions kept.
 *
 * A fact a case leaves out is absent, as in life; only the incident is inactive unless said. Strikes after a case's
 * instant do not exist yet (evaluation sees to that). Syntax: test-file-syntax.ts. Next: test-run.ts.
 * Spec: docs/spec/policy.md, "Tests".
 */
import type { Facts, HostFacts, Obligation, Strike, SubjectFacts } from '../model.ts'
import { err, ok, type Result } from '../result.ts'
import { type EpochMs, epochMs } from '../time.ts'
import type { Diagnostic, Reporter, Span } from './diagnostic.ts'
import { readDocument } from './document.ts'
import type { Plan } from './plan.ts'
import type { At } from './shape.ts'
import type { Dictionary } from './shape-object.ts'
import { didYouMean } from './suggest.ts'
import {
  type CaseSource,
  type ExpectSource,
  type StrikeSource,
  type SubjectSource,
  TEST_FILE,
  type TestSource,
} from './test-file-syntax.ts'

export interface TestFile {
  /** As written: a path from the test file's folder. */
  readonly policy: string
  readonly cases: readonly TestCase[]
  /** Rules and exemptions the cases name that `plan` does not have. */
  check(plan: Plan): Diagnostic[]
}

/** One case at one instant. */
export interface TestCase {
  readonly name: string
  /** `supports` is empty when `supports_all` is true; the runner fills it in from the plan. */
  readonly facts: Facts
  readonly supports_all: boolean
  readonly expect: Expectation
}

/** Members that are absent are not compared. */
export interface Expectation {
  readonly outcome?: 'allow' | 'deny' | 'delay'
  readonly mode?: 'hold' | 'review' | 'retry' | 'broadcast'
  readonly rules?: readonly string[]
  readonly until?: EpochMs | 'forever' | 'none'
  readonly not_before?: EpochMs | 'none'
  readonly unknown?: readonly string[]
  readonly exemptions?: readonly string[]
  readonly obligations?: readonly Obligation[]
  readonly reason?: Readonly<Record<string, string>>
}

/** Reads a test file. Every fault is reported, by position. */
export function parseTestFile(
  bytes: Uint8Array,
  options: { readonly file: string },
): Result<TestFile, Diagnostic[]> {
  const document = readDocument(bytes, options.file)
  if (!document.ok) return document
  const { root, reporter } = document.value
  const source = TEST_FILE.read(root, { start: 0, end: 0 }, reporter)
  if (source === undefined) return err(reporter.sorted())
  const cases = buildCases(source.value, reporter)
  if (reporter.failed()) return err(reporter.sorted())
  const check = (plan: Plan): Diagnostic[] => {
    checkNames(source.value, plan, reporter)
    return reporter.sorted()
  }
  return ok({ policy: source.value.policy.value, cases, check })
}

type Subjects = ReadonlyMap<string, SubjectSource>

function buildCases(source: TestSource, reporter: Reporter): TestCase[] {
  const subjects: Subjects = new Map(
    source.subjects.value.map(({ key, value }) => [key, value.value]),
  )
  return source.cases.value.flatMap(({ value, ...place }) => {
    const instants = value.at?.value ?? (source.now === undefined ? [] : [source.now])
    if (instants.length === 0)
      reporter.report('missing-key', startOf(place), 'a case needs `at`, or the file `now`')
    const names = [value.subject, ...(value.stream?.value.hosts?.value ?? [])]
    for (const name of names) checkSubject(name, subjects, reporter)
    if (reporter.failed()) return []
    const supports = value.supports ?? source.supports
    return instants.map((at) => ({
      name: value.name.value,
      facts: factsOf(value, at.value, subjects, supports?.value.map(plain) ?? []),
      supports_all: supports === undefined,
      expect: expectationOf(value.expect.value),
    }))
  })
}

function startOf({ start }: Span): Span {
  return { start, end: start }
}

function plain<T>({ value }: At<T>): T {
  return value
}

function checkSubject(name: At<string>, subjects: Subjects, reporter: Reporter): void {
  if (subjects.has(name.value)) return
  const hint = didYouMean(name.value, subjects.keys())
  reporter.report('bad-value', name, `there is no subject \`${name.value}\``, hint)
}

function factsOf(
  source: CaseSource,
  at: EpochMs,
  subjects: Subjects,
  supports: readonly string[],
): Facts {
  const { hosts = undefined, ...stream } = source.stream?.value ?? {}
  const asking = hostOf(source.subject.value, subjects)
  const first: HostFacts = {
    ...asking,
    facts: { ...asking.facts, ...subjectFacts(source) },
    holds: (source.holds?.value ?? []).map(({ value }) => unwrap(value)),
    reviews: (source.reviews?.value ?? []).map(({ value }) => unwrap(value)),
  }
  const others = (hosts?.value ?? []).map(({ value }) => hostOf(value, subjects))
  return {
    at,
    hosts: [first, ...others],
    stream: unwrap(stream),
    request: unwrap(source.request?.value ?? {}),
    incident: source.incident === undefined ? { active: false } : unwrap(source.incident.value),
    platform: unwrap(source.platform?.value ?? {}),
    supports,
  }
}

function hostOf(subject: string, subjects: Subjects): HostFacts {
  const source = subjects.get(subject) ?? {}
  return {
    subject,
    facts: subjectFacts(source),
    sources: {},
    strikes: (source.strikes?.value ?? []).map(({ value }) => strikeOf(value, subject)),
    holds: [],
    reviews: [],
    open_broadcasts: source.open_broadcasts?.value ?? 0,
  }
}

function subjectFacts({ facts }: Pick<SubjectSource, 'facts'>): SubjectFacts {
  if (facts === undefined) return {}
  const { labels, linked, ...rest } = facts.value
  return {
    ...unwrap(rest),
    ...(labels === undefined ? {} : { labels: labels.value.map(plain) }),
    ...(linked === undefined ? {} : { linked: linked.value.map(plain) }),
  }
}

function strikeOf(source: StrikeSource, subject: string): Strike {
  const { received_at, source: found, ...rest } = source
  const values = unwrap(rest)
  const received = received_at?.value ?? values.issued_at
  return {
    weight: 1,
    scope: 'any',
    status: 'active',
    ...values,
    subject,
    effective_at: epochMs(Math.min(values.issued_at, received)),
    ...(found === undefined ? {} : { source: unwrap(found.value) }),
  }
}

/** The values of members without their places; absent members stay absent. */
function unwrap<T extends object>(
  source: T,
): { [K in keyof T]: T[K] extends At<infer V> | undefined ? V : never } {
  const entries = Object.entries(source as Readonly<Record<string, At<unknown>>>)
  return Object.fromEntries(entries.map(([key, { value }]) => [key, value])) as {
    [K in keyof T]: T[K] extends At<infer V> | undefined ? V : never
  }
}

function expectationOf(source: ExpectSource): Expectation {
  const { rules, unknown, exemptions, obligations, reason, ...rest } = source
  return {
    ...unwrap(rest),
    ...(rules === undefined ? {} : { rules: rules.value.map(plain) }),
    ...(unknown === undefined ? {} : { unknown: unknown.value.map(plain) }),
    ...(exemptions === undefined ? {} : { exemptions: exemptions.value.map(plain) }),
    ...(obligations === undefined
      ? {}
      : { obligations: obligations.value.map(({ value }) => obligationOf(value)) }),
    ...(reason === undefined ? {} : { reason: record(reason.value) }),
  }
}

function record<T>(entries: Dictionary<T>): Record<string, T> {
  return Object.fromEntries(entries.map(({ key, value }) => [key, value.value]))
}

function obligationOf(entries: Dictionary<string | number | boolean>): Obligation {
  const members = record(entries)
  return { ...members, type: String(members.type ?? '') }
}

/** A case that expects a rule nobody wrote would otherwise fail with a puzzling difference, or pass for ever. */
function checkNames(source: TestSource, plan: Plan, reporter: Reporter): void {
  const rules = new Set(plan.rules.map(({ id }) => id))
  const exemptions = new Set(plan.exemptions.map(({ id }) => id))
  const either = new Set([...rules, ...exemptions])
  const known = (name: At<string>, names: ReadonlySet<string>, what: string): void => {
    if (names.has(name.value)) return
    const hint = didYouMean(name.value, names)
    reporter.report('unknown-rule', name, `there is no ${what} \`${name.value}\``, hint)
  }
  for (const { value } of source.cases.value) {
    const expect = value.expect.value
    for (const name of expect.rules?.value ?? []) known(name, rules, 'rule')
    for (const name of expect.unknown?.value ?? []) known(name, either, 'rule or exemption')
    for (const name of expect.exemptions?.value ?? []) known(name, exemptions, 'exemption')
    for (const hold of value.holds?.value ?? []) known(hold.value.rule, rules, 'rule')
    for (const review of value.reviews?.value ?? []) known(review.value.rule, rules, 'rule')
  }
}
