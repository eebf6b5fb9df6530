/**
 * Cases to combinations: who, when and with which stream, each with what is expected of it.
 *
 * A case asks for every combination of its subjects, instants and streams; `except` says where something else comes
 * out than `expect`. One exception fits a combination, or none: which of two the author meant nobody could tell.
 * Spec: docs/spec/policy.md, "Tests".
 */
import { type EpochMs, formatInstant } from '../time.ts'
import { type Place, quote, type Reporter, type Span } from './diagnostic.ts'
import type { At } from './shape.ts'
import { didYouMean } from './suggest.ts'
import type { Expectation, TestCase } from './test-file.ts'
import { expectationOf } from './test-file-expectation.ts'
import { factsOf, peopleOf, plain } from './test-file-facts.ts'
import type { StreamSource, SubjectSource } from './test-file-shapes.ts'
import type { CaseSource, ExceptionSource, TestSource } from './test-file-syntax.ts'

/**
 * Combinations of one file, each counted once and once more for every 64 strikes of its people: one takes 5 to 100 us, so
 * all of them 2 s at most, and one of 4,096 strikes, which takes some 5 ms, counts as 65.
 */
export const MAX_COMBINATIONS = 20_000

/** What the names of a file mean. */
interface Names {
  readonly subjects: ReadonlyMap<string, SubjectSource>
  readonly streams: ReadonlyMap<string, StreamSource>
}

/** Values of the three axes of one case. */
interface Axes {
  readonly subjects: readonly At<string>[]
  readonly instants: readonly At<EpochMs>[]
  /** Names under `streams`; null for a stream written out, or none. */
  readonly streams: readonly At<string>[] | null
}

/** Every combination of every case, in the order written; none when a fault is reported. */
export function buildCases(
  source: TestSource,
  reporter: Reporter,
  placeOf: (span: Span) => Place,
): TestCase[] {
  const names: Names = {
    subjects: new Map(source.subjects.value.map(({ key, value }) => [key, value.value])),
    streams: new Map((source.streams?.value ?? []).map(({ key, value }) => [key, value.value])),
  }
  for (const stream of names.streams.values()) checkHosts(stream, names, reporter)
  const all = source.cases.value.map((test) => ({
    test,
    axes: axesOf(test, source, names, reporter),
  }))
  checkNumber(all, names, reporter)
  if (reporter.failed()) return []
  const people = peopleOf(names.subjects)
  return all.flatMap(({ test, axes }) => {
    const supports = test.value.supports ?? source.supports
    const said = {
      supports: supports?.value.map(plain) ?? [],
      supports_all: supports === undefined,
    }
    const { line, column } = placeOf(startOf(test))
    const expected = expectations(test.value, axes, reporter)
    return combine(axes).map(({ subject, at, stream }, i): TestCase => {
      const about = stream === null ? inlineStream(test.value) : names.streams.get(stream)
      const facts = factsOf(test.value, { subject, at, stream: about }, people)
      return {
        name: test.value.name.value,
        line,
        column,
        combination: [
          ...(axes.subjects.length > 1 ? [subject] : []),
          ...(stream !== null && (axes.streams ?? []).length > 1 ? [stream] : []),
        ],
        facts: { ...facts, supports: said.supports },
        supports_all: said.supports_all,
        expect: expected(i),
      }
    })
  })
}

function inlineStream({ stream }: CaseSource): StreamSource | undefined {
  const value = stream?.value
  return value === undefined || Array.isArray(value) ? undefined : (value as StreamSource)
}

function axesOf(
  { value, ...place }: At<CaseSource>,
  source: TestSource,
  names: Names,
  reporter: Reporter,
): Axes {
  const instants = value.at?.value ?? (source.now === undefined ? [] : [source.now])
  if (instants.length === 0)
    reporter.report('missing-key', startOf(place), 'a case needs `at`, or the file `now`')
  checkNames(value.subject.value, names.subjects, reporter, 'subject')
  once(value.subject.value, reporter)
  once(value.at?.value ?? [], reporter)
  const named = Array.isArray(value.stream?.value)
    ? (value.stream.value as readonly At<string>[])
    : null
  const inline = inlineStream(value)
  if (inline !== undefined) checkHosts(inline, names, reporter)
  if (named !== null) {
    checkNames(named, names.streams, reporter, 'stream')
    once(named, reporter)
  }
  const axes = { subjects: value.subject.value, instants, streams: named }
  for (const exception of value.except?.value ?? []) checkException(exception, axes, reporter)
  return axes
}

function startOf({ start }: Span): Span {
  return { start, end: start }
}

function checkHosts({ hosts }: StreamSource, names: Names, reporter: Reporter): void {
  checkNames(hosts?.value ?? [], names.subjects, reporter, 'subject')
}

function checkNames(
  written: readonly At<string>[],
  known: ReadonlyMap<string, unknown>,
  reporter: Reporter,
  what: 'subject' | 'stream',
): void {
  for (const name of written) {
    if (known.has(name.value)) continue
    const hint = didYouMean(name.value, known.keys())
    reporter.report('bad-value', name, `there is no ${what} ${quote(name.value)}`, hint)
  }
}

function once(values: readonly At<string | EpochMs>[], reporter: Reporter): void {
  const seen = new Set<string | number>()
  for (const at of values) {
    if (seen.has(at.value)) reporter.report('bad-value', at, `${show(at.value)} is named twice`)
    seen.add(at.value)
  }
}

function show(value: string | EpochMs): string {
  return quote(typeof value === 'number' ? formatInstant(value) : value)
}

function checkException(
  { value, ...place }: At<ExceptionSource>,
  axes: Axes,
  reporter: Reporter,
): void {
  const { subject, at, stream } = value
  if (subject === undefined && at === undefined && stream === undefined)
    reporter.report(
      'missing-key',
      startOf(place),
      'an exception needs `subject`, `at` or `stream`',
      'what holds everywhere belongs into `expect`',
    )
  among(subject?.value, axes.subjects, reporter, 'subject')
  among(at?.value, axes.instants, reporter, 'instant')
  among(stream?.value, axes.streams ?? [], reporter, 'stream')
}

function among<T extends string | EpochMs>(
  wanted: readonly At<T>[] | undefined,
  axis: readonly At<T>[],
  reporter: Reporter,
  what: string,
): void {
  const known = new Set(axis.map(plain))
  for (const one of wanted ?? []) {
    if (known.has(one.value)) continue
    const near =
      typeof one.value === 'string' ? [...known].filter((k) => typeof k === 'string') : []
    reporter.report(
      'bad-value',
      one,
      `the case has no ${what} ${show(one.value)}`,
      typeof one.value === 'string' ? didYouMean(one.value, near) : undefined,
    )
  }
}

/** Strikes that count as one combination more. */
const STRIKES_A_COMBINATION = 64

/** Counted before anything is built: 1,000 x 1,000 x 1,000 are written in a line. */
function checkNumber(
  all: readonly { readonly test: At<CaseSource>; readonly axes: Axes }[],
  names: Names,
  reporter: Reporter,
): void {
  let total = 0
  for (const { test, axes } of all) {
    total += sizeOf(test.value, axes, names)
    if (total <= MAX_COMBINATIONS) continue
    reporter.report(
      'too-many',
      startOf(test),
      `with this case the file has ${total} combinations, limit ${MAX_COMBINATIONS}`,
      `every ${STRIKES_A_COMBINATION} strikes of a combination count as one more`,
    )
    return
  }
}

function sizeOf(test: CaseSource, { subjects, instants, streams }: Axes, names: Names): number {
  const broadcasts = (streams ?? [null]).map((name) =>
    name === null ? inlineStream(test) : names.streams.get(name.value),
  )
  const plainSize = subjects.length * instants.length * broadcasts.length
  if (plainSize > MAX_COMBINATIONS) return plainSize
  const strikesOf = (name: string): number => names.subjects.get(name)?.strikes?.value.length ?? 0
  const invited = broadcasts.map((stream) =>
    (stream?.hosts?.value ?? []).reduce((sum, { value }) => sum + strikesOf(value), 0),
  )
  let size = 0
  for (const subject of subjects)
    for (const others of invited)
      size += 1 + Math.floor((strikesOf(subject.value) + others) / STRIKES_A_COMBINATION)
  return size * instants.length
}

interface Picked {
  readonly subject: string
  readonly at: EpochMs
  readonly stream: string | null
}

function combine({ subjects, instants, streams }: Axes): Picked[] {
  return subjects.flatMap((subject) =>
    (streams ?? [null]).flatMap((stream) =>
      instants.map((at) => ({
        subject: subject.value,
        at: at.value,
        stream: stream?.value ?? null,
      })),
    ),
  )
}

/** What the i-th combination has to come to. Reports a second exception that fits one combination. */
function expectations(
  { expect, except }: CaseSource,
  axes: Axes,
  reporter: Reporter,
): (i: number) => Expectation {
  const usual = expectationOf(expect.value)
  if (except === undefined) return () => usual
  const special: (Expectation | undefined)[] = []
  const combinations = combine(axes)
  for (const { value, ...place } of except.value) {
    const fits = fitting(value)
    const expectation = expectationOf(value.expect.value)
    let clash: Picked | undefined
    combinations.forEach((picked, i) => {
      if (!fits(picked)) return
      if (special[i] !== undefined) clash ??= picked
      special[i] = expectation
    })
    if (clash !== undefined)
      reporter.report(
        'conflicting-keys',
        startOf(place),
        `an earlier exception fits ${quote(clash.subject)} at ${formatInstant(clash.at)} too, expected one`,
      )
  }
  return (i) => special[i] ?? usual
}

function fitting({ subject, at, stream }: ExceptionSource): (picked: Picked) => boolean {
  const subjects = subject && new Set(subject.value.map(plain))
  const instants = at && new Set(at.value.map(plain))
  const streams = stream && new Set(stream.value.map(plain))
  return (picked) =>
    (subjects?.has(picked.subject) ?? true) &&
    (instants?.has(picked.at) ?? true) &&
    (streams === undefined || (picked.stream !== null && streams.has(picked.stream)))
}
