/** An exported deployment is found whole; every way in which it could be wrong is found, at its line, and named. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { checkHeader, MoveCheck } from '../../../src/core/move/check.ts'
import { lineOf } from '../../../src/core/move/read-lines.ts'

type Json = Record<string, unknown>

/** A member that is an object. */
function inner(value: unknown, name: string): Json {
  return (value as Json)[name] as Json
}

function lines(): Json[] {
  const file = new URL('../../vectors/move/deployment.jsonl', import.meta.url)
  return readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Json)
}

/** What is wrong, with the number of the line; null when nothing is. */
function faultIn(values: readonly unknown[]): string | null {
  const header = checkHeader(values[0])
  if (!header.ok) return `0: ${header.error}`
  const check = new MoveCheck(header.value)
  for (const [i, value] of values.slice(1).entries()) {
    const line = check.line(value)
    if (!line.ok) return `${i + 1}: ${line.error}`
  }
  const end = check.finish()
  return end.ok ? null : end.error
}

const whole = lines()
/** Place of the n-th line of a kind. */
function at(kind: string, n = 0): number {
  const places = whole.flatMap((line, i) => (kind in line ? [i] : []))
  const place = places[n]
  if (place === undefined) throw new Error(`no ${kind} line ${n}`)
  return place
}

/** The lines with one changed. */
function changed(place: number, change: (line: Json) => unknown): unknown[] {
  const values: unknown[] = lines()
  values[place] = change(values[place] as Json)
  return values
}

/** One member, or a member of a member, set to something else. */
function set(path: string, value: unknown): (line: Json) => Json {
  return (line) => {
    const names = path.split('.')
    const last = names.pop() ?? ''
    let place = line
    for (const name of names) place = inner(place, name)
    place[last] = value
    return line
  }
}

/** A place whose `kind` line satisfies something. */
function where(kind: string, test: (line: Json) => boolean): number {
  const place = whole.findIndex((line) => kind in line && test(inner(line, kind)))
  if (place < 0) throw new Error(`no such ${kind} line`)
  return place
}

const second = where('record', ({ seq, subject }) => seq === 2 && subject === 'u_struck')
const struck = where('subject', ({ subject }) => subject === 'u_struck')
const decision = where('record', ({ decision: made }) => made !== null)

describe('the check of a moving deployment', () => {
  it('finds nothing in one that is whole', () => {
    expect(faultIn(whole)).toBeNull()
  })

  const wrong: readonly (readonly [name: string, values: () => unknown[], fault: RegExp])[] = [
    ['no header', () => lines().slice(1), /^0: it does not begin with a header/],
    [
      'a header of another version',
      () => changed(0, set('header.format', 'v2')),
      /^0: .*another version/,
    ],
    [
      'a header that knows more',
      () => changed(0, set('header.more', 1)),
      /^0: .*another version: more/,
    ],
    ['a checkpoint of another size', () => changed(0, set('header.size', 3)), /^0: .*same log/],
    [
      'a checkpoint of another log',
      () => changed(0, set('header.origin', 'a/b')),
      /^0: .*same log/,
    ],
    [
      'a verifier key of another log',
      () =>
        changed(0, (line) =>
          set('header.vkey', String(inner(line, 'header').vkey).replace('old', 'odd'))(line),
        ),
      /^0: .*verifier key/,
    ],
    ['a line of no kind', () => changed(2, () => ({})), /^2: expected one of policy/],
    [
      'a line of two kinds',
      () => changed(2, (line) => ({ ...line, end: {} })),
      /^2: expected one of/,
    ],
    ['a kind nobody knows', () => changed(2, () => ({ pardon: {} })), /^2: expected one of/],
    ['a line that is a list', () => changed(2, () => []), /^2: expected one of/],
    ['a line that is null', () => changed(2, () => null), /^2: expected one of/],
    [
      'a member nobody knows',
      () => changed(at('subject'), set('subject.vip', true)),
      /subject.vip is unknown/,
    ],
    [
      'a member that is missing',
      () =>
        changed(at('subject'), (line) => ({
          subject: { ...inner(line, 'subject'), version: undefined },
        })),
      /subject.version is/,
    ],
    [
      'another text of a policy',
      () => changed(at('policy'), set('policy.text', 'AAAA')),
      /^1: the text of a policy is not that of its digest/,
    ],
    [
      'a policy after subjects',
      () => [...lines().slice(0, -1), lines()[1], lines().at(-1)],
      /a policy line after those that come later/,
    ],
    [
      'a subject with a head but no records',
      () => changed(at('subject'), set('subject.head', 'A'.repeat(43))),
      /a subject contradicts itself/,
    ],
    [
      'a strike of somebody else',
      () => changed(at('strike'), set('strike.strike.subject', 'u_else')),
      /a strike is not beneath its subject/,
    ],
    [
      'a strike that is missing',
      () => lines().filter((_, i) => i !== at('strike')),
      /a subject has other strikes than it says/,
    ],
    [
      'a strike too many',
      () => lines().flatMap((line, i) => (i === struck + 1 ? [line, line] : [line])),
      /a subject has other strikes than it says/,
    ],
    [
      'a record of somebody else',
      () => changed(second, set('record.subject', 'u_else')),
      /a record is not beneath its subject/,
    ],
    [
      'a revision left out',
      () => lines().filter((_, i) => i !== at('activation')),
      /revision 1 is missing/,
    ],
    [
      'a revision of a text that is not there',
      () => changed(at('activation', 1), set('activation.digest', `sha256-${'A'.repeat(43)}`)),
      /revision 2 has no text/,
    ],
    [
      'a revision in place of a later one',
      () => changed(at('activation', 1), set('activation.previous', 2)),
      /revision 2 takes the place of one that comes after it/,
    ],
    [
      'a record that is missing in a chain',
      () => lines().filter((_, i) => i !== second),
      /a chain does not go on at seq 2/,
    ],
    [
      'a record twice',
      () => lines().flatMap((line, i) => (i === second ? [line, line] : [line])),
      /a chain does not go on at seq 3/,
    ],
    [
      'the last record of a chain missing',
      () => lines().filter((_, i) => i !== at('record')),
      /a chain does not end at the head of its subject/,
    ],
    [
      'an instant that falls',
      () => changed(second, set('record.at', 1)),
      /does not go on at seq 2/,
    ],
    [
      'a place before the one before',
      () => changed(second, set('record.place', -100)),
      /a chain goes back in its log at seq 2/,
    ],
    [
      'a place in the new log',
      () => changed(second, set('record.place', 0)),
      /record.place is malformed/,
    ],
    [
      'bytes of another record',
      () => changed(second, set('record.jws', inner(whole[second + 1], 'record').jws)),
      /at seq 2 of a chain is another one/,
    ],
    [
      'bytes with one letter changed',
      () =>
        changed(second, (line) => {
          const jws = String(inner(line, 'record').jws)
          const i = jws.length - 20
          const other = jws[i] === 'A' ? 'B' : 'A'
          return set('record.jws', `${jws.slice(0, i)}${other}${jws.slice(i + 1)}`)(line)
        }),
      // The next record does not name these bytes.
      /seq 3 of a chain has another place/,
    ],
    [
      'bytes that are no record',
      () => changed(second, set('record.jws', 'a.b.c')),
      /cannot be read/,
    ],
    [
      'openings of another record',
      () => changed(second, set('record.openings', inner(whole[second + 1], 'record').openings)),
      /has openings that are not its own/,
    ],
    [
      'an opening under another name',
      () =>
        changed(decision, (line) => {
          const openings = inner(inner(line, 'record'), 'openings')
          return set('record.openings', {
            ...openings,
            facts: openings.chain,
            chain: openings.facts,
          })(line)
        }),
      /has an opening under another name/,
    ],
    [
      'another outcome',
      () =>
        changed(decision, (line) => {
          const made = inner(inner(line, 'record'), 'decision').outcome
          return set('record.decision.outcome', made === 'deny' ? 'allow' : 'deny')(line)
        }),
      /has another outcome/,
    ],
    [
      'a decision without what it is found by',
      () => changed(decision, set('record.decision', null)),
      /another outcome/,
    ],
    [
      'another pseudonym',
      () => changed(struck, set('subject.pseudonym', 'P'.repeat(22))),
      /has another place/,
    ],
    [
      'another instant at the end',
      () => changed(struck, set('subject.last_at', 9e12)),
      /ends at another instant/,
    ],
    [
      'another head',
      () => changed(struck, set('subject.head', 'A'.repeat(43))),
      /does not end at the head/,
    ],
    ['no end', () => lines().slice(0, -1), /it ends early/],
    ['more after the end', () => [...lines(), lines()[2]], /there is more after the end/],
    [
      'another number of lines',
      () => changed(at('end'), set('end.lines', 99)),
      /lines are missing/,
    ],
    [
      'another count',
      () => changed(0, set('header.counts.stream_keys', 0)),
      /it has other stream_keys than it says/,
    ],
  ]
  it.each(wrong)('finds %s', (_name, values, fault) => {
    const found = faultIn(values())
    expect(found).not.toBeNull()
    expect(found).toMatch(fault)
  })

  it('finds nothing in a file from before activations moved, and no activations in one that hides them', () => {
    const file = new URL('../../vectors/move/without-activations.jsonl', import.meta.url)
    const before = readFileSync(file, 'utf8').trimEnd().split('\n')
    expect(faultIn(before.map((line) => JSON.parse(line)))).toBeNull()
    const hidden = lines()
    delete inner(inner(hidden[0], 'header'), 'counts').activations
    expect(faultIn(hidden)).toMatch(/it has other activations than it says/)
  })

  it('takes records whose openings were erased, by their bytes alone', () => {
    const values = lines()
    for (const line of values) if ('record' in line) inner(line, 'record').openings = {}
    expect(faultIn(values)).toBeNull()
  })

  it('never quotes a value', () => {
    const secret = 'zebra'
    for (const kind of ['subject', 'strike', 'record', 'stream_key', 'end'])
      for (const name of Object.keys(whole[at(kind)]?.[kind] ?? {})) {
        const fault = lineOf(
          set(`${kind}.${name}`, { [secret]: secret })(lines()[at(kind)] as Json),
        )
        expect(fault.ok, `${kind}.${name}`).toBe(false)
        if (!fault.ok) expect(fault.error.replace(`.${secret} is`, ' is')).not.toContain(secret)
      }
  })
})
