/**
 * What a test file says about people, broadcasts and the moment, as the facts evaluation sees.
 *
 * A fact a case leaves out is absent, as in life; only the incident is inactive unless said. Which combinations a case
 * asks for is test-file-cases.ts. Spec: docs/spec/policy.md, "Tests".
 */
import type { Facts, HostFacts, StreamFacts, Strike, SubjectFacts } from '../model.ts'
import { type EpochMs, epochMs } from '../time.ts'
import { EVERYBODY, shareText } from './rollout.ts'
import type { At } from './shape.ts'
import type { StreamSource, StrikeSource, SubjectSource } from './test-file-shapes.ts'
import type { CaseSource } from './test-file-syntax.ts'

/** The people of a file by name; each is built once, however many cases ask. */
export type People = (name: string) => HostFacts

/** Builds people when they are first asked for. A name nobody wrote is somebody of whom nothing is known. */
export function peopleOf(subjects: ReadonlyMap<string, SubjectSource>): People {
  const built = new Map<string, HostFacts>()
  return (name) => {
    const host = built.get(name) ?? hostOf(name, subjects.get(name) ?? {})
    built.set(name, host)
    return host
  }
}

/** One combination of a case. */
export interface Combination {
  readonly subject: string
  readonly at: EpochMs
  /** Absent when the case has none. */
  readonly stream: StreamSource | undefined
}

/** The facts of one combination; `supports` is left to the caller. */
export function factsOf(
  source: CaseSource,
  { subject, at, stream }: Combination,
  people: People,
): Omit<Facts, 'supports'> {
  const { hosts, ...about } = stream ?? {}
  const asking = people(subject)
  const first: HostFacts = {
    ...asking,
    facts: { ...asking.facts, ...subjectFacts(source) },
    holds: (source.holds?.value ?? []).map(({ value }) => unwrap(value)),
    reviews: (source.reviews?.value ?? []).map(({ value }) => unwrap(value)),
  }
  const streamFacts: StreamFacts = unwrap(about)
  return {
    at,
    hosts: [first, ...(hosts?.value ?? []).map(({ value }) => people(value))],
    stream: streamFacts,
    request: unwrap(source.request?.value ?? {}),
    incident: source.incident === undefined ? { active: false } : unwrap(source.incident.value),
    platform: unwrap(source.platform?.value ?? {}),
    ...(source.enforce === undefined || source.enforce.value >= EVERYBODY
      ? {}
      : { enforce: shareText(source.enforce.value) }),
  }
}

function hostOf(subject: string, source: SubjectSource): HostFacts {
  return {
    subject,
    facts: subjectFacts(source),
    sources: {},
    strikes: (source.strikes?.value ?? []).map(({ value }) => strikeOf(value, subject)),
    holds: [],
    reviews: [],
    open_broadcasts: source.open_broadcasts?.value ?? 0,
    ...(source.bucket === undefined ? {} : { bucket: source.bucket.value }),
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

/** The value without its place. */
export function plain<T>({ value }: At<T>): T {
  return value
}

/** The values of members without their places; absent members stay absent. */
export function unwrap<T extends object>(
  source: T,
): { [K in keyof T]: T[K] extends At<infer V> | undefined ? V : never } {
  const entries = Object.entries(source as Readonly<Record<string, At<unknown>>>)
  return Object.fromEntries(entries.map(([key, { value }]) => [key, value])) as {
    [K in keyof T]: T[K] extends At<infer V> | undefined ? V : never
  }
}
