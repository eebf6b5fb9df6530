import { describe, expect, it } from 'vitest'
import { utf8 } from '../../../src/core/encoding.ts'
import { parseTestFile, type TestCase } from '../../../src/core/policy/test-file.ts'
import { MAX_COMBINATIONS } from '../../../src/core/policy/test-file-cases.ts'
import { formatInstant } from '../../../src/core/time.ts'

const HEAD = `policy: ./p.yaml
now: 2026-01-31
subjects: { ann: {}, bob: {}, čeněk: {} }
streams: { public: { audience: public }, duo: { audience: public, hosts: [bob] } }
`

const read = (cases: string, head = HEAD) =>
  parseTestFile(utf8(`${head}cases:\n  - ${cases}`), { file: 'p.test.yaml' })

function casesOf(cases: string): readonly TestCase[] {
  const result = read(cases)
  if (!result.ok) throw new Error(JSON.stringify(result.error, null, 1))
  return result.value.cases
}

/** `ann public 01-31: allow` for each combination. */
function table(cases: string): readonly string[] {
  return casesOf(cases).map(({ combination, facts, expect: { outcome } }) =>
    [...combination, formatInstant(facts.at).slice(5, 10), outcome ?? '-'].join(' '),
  )
}

describe('a case over several subjects, instants and streams', () => {
  const cases: readonly { name: string; test: string; expect: readonly string[] }[] = [
    {
      name: 'is every combination, each named by what it has several of',
      test: '{ name: x, subject: [ann, bob], at: [2026-01-01, 2026-01-02], stream: [public, duo], expect: { outcome: allow } }',
      expect: [
        'ann public 01-01 allow',
        'ann public 01-02 allow',
        'ann duo 01-01 allow',
        'ann duo 01-02 allow',
        'bob public 01-01 allow',
        'bob public 01-02 allow',
        'bob duo 01-01 allow',
        'bob duo 01-02 allow',
      ],
    },
    {
      name: 'of one subject and one stream is named by neither',
      test: '{ name: x, subject: ann, stream: public, expect: { outcome: allow } }',
      expect: ['01-31 allow'],
    },
    {
      name: 'comes out otherwise where an exception fits, whole and not member by member',
      test: '{ name: x, subject: [ann, bob], at: [2026-01-01, 2026-01-02], expect: { outcome: deny, until: forever }, except: [{ subject: bob, at: 2026-01-02, expect: { outcome: allow } }] }',
      expect: ['ann 01-01 deny', 'ann 01-02 deny', 'bob 01-01 deny', 'bob 01-02 allow'],
    },
    {
      name: 'may have exceptions by stream, and for several values at once',
      test: '{ name: x, subject: [ann, bob, čeněk], stream: [public, duo], expect: { outcome: deny }, except: [{ stream: duo, subject: [ann, čeněk], expect: { outcome: allow } }, { subject: bob, expect: { outcome: delay } }] }',
      expect: [
        'ann public 01-31 deny',
        'ann duo 01-31 allow',
        'bob public 01-31 delay',
        'bob duo 01-31 delay',
        'čeněk public 01-31 deny',
        'čeněk duo 01-31 allow',
      ],
    },
  ]
  for (const { name, test, expect: expected } of cases)
    it(name, () => expect(table(test)).toEqual(expected))

  it('has the facts of its stream, co-hosts too', () => {
    const [first, second] = casesOf('{ name: x, subject: ann, stream: [public, duo], expect: {} }')
    expect(first?.facts.stream).toEqual({ audience: 'public' })
    expect(first?.facts.hosts.map(({ subject }) => subject)).toEqual(['ann'])
    expect(second?.facts.hosts.map(({ subject }) => subject)).toEqual(['ann', 'bob'])
  })

  it('drops nothing an exception does not name', () => {
    const [one, two] = casesOf(
      '{ name: x, subject: [ann, bob], expect: { outcome: deny, until: forever }, except: [{ subject: bob, expect: { rules: [] } }] }',
    )
    expect(one?.expect).toEqual({ outcome: 'deny', until: 'forever' })
    expect(two?.expect).toEqual({ rules: [] })
  })

  it('knows the line it is written in', () => {
    const all = casesOf(
      '{ name: x, subject: ann, expect: {} }\n  - { name: y, subject: bob, expect: {} }',
    )
    expect(all.map(({ line }) => line)).toEqual([6, 7])
  })
})

describe('a matrix is refused', () => {
  const cases: readonly { name: string; test: string; expect: readonly string[] }[] = [
    {
      name: 'for names nobody has, all of them at once',
      test: '{ name: x, subject: [an, bob, bbo], stream: [publc], expect: {} }',
      expect: [
        '6:26 bad-value there is no subject `an` (did you mean `ann`?)',
        '6:35 bad-value there is no subject `bbo` (did you mean `bob`?)',
        '6:50 bad-value there is no stream `publc` (did you mean `public`?)',
      ],
    },
    {
      name: 'for a value named twice',
      test: '{ name: x, subject: [ann, ann], at: [2026-01-01, 2026-01-01T00:00:00Z], stream: [duo, duo], expect: {} }',
      expect: [
        '6:31 bad-value `ann` is named twice ()',
        '6:54 bad-value `2026-01-01T00:00:00.000Z` is named twice ()',
        '6:91 bad-value `duo` is named twice ()',
      ],
    },
    {
      name: 'for an exception of a combination there is not',
      test: '{ name: x, subject: [ann, bob], expect: {}, except: [{ subject: čeněk, expect: {} }, { at: 2026-01-30, expect: {} }, { stream: public, expect: {} }, { subject: bobb, expect: {} }] }',
      expect: [
        '6:69 bad-value the case has no subject `čeněk` ()',
        '6:96 bad-value the case has no instant `2026-01-30T00:00:00.000Z` ()',
        '6:132 bad-value the case has no stream `public` ()',
        '6:165 bad-value the case has no subject `bobb` (did you mean `bob`?)',
      ],
    },
    {
      name: 'for two exceptions of one combination',
      test: '{ name: x, subject: [ann, bob], expect: {}, except: [{ subject: bob, expect: {} }, { at: 2026-01-31, expect: {} }] }',
      expect: [
        '6:88 conflicting-keys an earlier exception fits `bob` at 2026-01-31T00:00:00.000Z too, expected one ()',
      ],
    },
    {
      name: 'for an exception that is none',
      test: '{ name: x, subject: ann, expect: {}, except: [{ expect: {} }] }',
      expect: [
        '6:51 missing-key an exception needs `subject`, `at` or `stream` (what holds everywhere belongs into `expect`)',
      ],
    },
    {
      name: 'for a co-host of a named stream who is nobody',
      test: '{ name: x, subject: ann, stream: duo, expect: {} }\nx-more: 1',
      expect: ['4:75 bad-value there is no subject `bbo` (did you mean `bob`?)'],
    },
  ]
  for (const { name, test, expect: expected } of cases)
    it(name, () => {
      const head = expected[0]?.startsWith('4:')
        ? HEAD.replace('hosts: [bob]', 'hosts: [bbo]')
        : HEAD
      const result = read(test, head)
      const said = result.ok
        ? []
        : result.error.map((e) => `${e.line}:${e.column} ${e.code} ${e.message} (${e.hint ?? ''})`)
      expect(said).toEqual(expected)
    })

  it('for more combinations than a file may have, before any is built', () => {
    const names = Array.from({ length: 1000 }, (_, i) => `s${i}`)
    const head = `policy: ./p.yaml\nnow: 2026-01-31\nsubjects:\n${names.map((n) => `  ${n}: {}\n`).join('')}streams:\n${names.map((n) => `  ${n}: {}\n`).join('')}`
    const result = read(
      `{ name: x, subject: [${names.join()}], stream: [${names.join()}], expect: {} }`,
      head,
    )
    expect(result.ok ? [] : result.error.map(({ message }) => message)).toEqual([
      `with this case the file has 1000000 combinations, limit ${MAX_COMBINATIONS}`,
    ])
  })

  it('for fewer combinations of people with many strikes, co-hosts among them', () => {
    const strikes = Array.from(
      { length: 640 },
      (_, i) => `{id: s${i}, category: a.b, severity: low, issued_at: 2026-01-01}`,
    )
    const head = `policy: ./p.yaml
subjects: { a: {}, old: { strikes: [${strikes.join()}] } }
streams: { x: {}, y: {}, with: { hosts: [old] }, again: { hosts: [old] } }
`
    const days = Array.from({ length: 1000 }, (_, i) =>
      new Date(Date.UTC(2026, 0, i)).toISOString().slice(0, 10),
    ).join()
    const said = (subject: string, stream: string) => {
      const test = `{ name: x, subject: ${subject}, at: [${days}], stream: [${stream}], expect: {} }`
      const result = read(test, head)
      return result.ok ? result.value.cases.length : result.error.map(({ message }) => message)
    }
    const refused = ['with this case the file has 22000 combinations, limit 20000']
    expect(said('old', 'x')).toBe(1000)
    expect(said('old', 'x, y')).toEqual(refused)
    expect(said('a', 'with, again')).toEqual(refused)
    expect(said('a', 'x, y')).toBe(2000)
  })
})
