/**
 * `policy lint --sarif` is SARIF 2.1.0 as far as code hosts and editors read it.
 *
 * These are the rules of the published JSON schema for the members we write, and those of the text that no schema says.
 */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { aDirectory, run } from './a-world.ts'

const ROOT = resolve(import.meta.dirname, '../..')

interface Rule {
  readonly id: string
  readonly helpUri: string
  readonly shortDescription: { readonly text: string }
  readonly help: { readonly text: string; readonly markdown: string }
  readonly defaultConfiguration: { readonly level: string }
}

interface Result {
  readonly ruleId: string
  readonly ruleIndex: number
  readonly level: string
  readonly message: { readonly text: string }
  readonly locations: readonly [
    {
      readonly physicalLocation: {
        readonly artifactLocation: { readonly uri: string; readonly index: number }
        readonly region: Readonly<
          Record<'startLine' | 'startColumn' | 'endLine' | 'endColumn', number>
        >
      }
    },
  ]
  readonly partialFingerprints: Readonly<Record<string, string>>
  readonly suppressions?: readonly { readonly kind: string; readonly justification: string }[]
}

interface Sarif {
  readonly $schema: string
  readonly version: string
  readonly runs: readonly [
    {
      readonly tool: {
        readonly driver: { readonly name: string; readonly version: string; readonly rules: Rule[] }
      }
      readonly columnKind: string
      readonly artifacts: readonly { readonly location: { readonly uri: string } }[]
      readonly results: readonly Result[]
    },
  ]
}

const WRONG = `livegate: policy/v1
name: "📺 odd" # livegate-lint: allow no-tests because it is a test itself
about: "🛑" # 📺
rules:
  - { id: "a", because: "📺📺", when: "stream.category == '🎸' && false", outcome: deny }
  - id: b
    when: incident.active
    outcome: deny
default: deny
`

async function sarifOf(dir: string, ...argv: readonly string[]): Promise<Sarif> {
  const ran = await run(dir, ['policy', 'lint', '--sarif', ...argv])
  expect(ran.err).toBe('')
  expect(ran.exit).toBe(argv.includes('clean') ? 0 : 3)
  return JSON.parse(ran.out) as Sarif
}

async function wrong(...argv: readonly string[]): Promise<Sarif> {
  const dir = aDirectory()
  mkdirSync(join(dir, 'my policies'))
  writeFileSync(join(dir, 'my policies/ä#1.yaml'), WRONG)
  writeFileSync(join(dir, 'my policies/broken.yaml'), 'name: 7\n')
  return sarifOf(dir, join(dir, 'my policies'), ...argv)
}

/** Every rule of the published schema that concerns what we write. */
function expectValid(sarif: Sarif): void {
  expect(Object.keys(sarif).toSorted()).toEqual(['$schema', 'runs', 'version'])
  expect(sarif.version).toBe('2.1.0')
  expect(sarif.$schema).toMatch(/^https:\/\/docs\.oasis-open\.org\/.*\/sarif-schema-2\.1\.0\.json$/)
  expect(sarif.runs).toHaveLength(1)
  const [{ tool, columnKind, artifacts, results }] = sarif.runs
  const { rules } = tool.driver
  expect(tool.driver.name).not.toBe('')
  expect(columnKind).toBe('utf16CodeUnits')
  expect(new Set(rules.map(({ id }) => id)).size).toBe(rules.length)
  for (const rule of rules) {
    expect(URL.canParse(rule.helpUri), rule.helpUri).toBe(true)
    expect(rule.shortDescription.text).toMatch(/^[A-Z].*\.$/)
    expect(rule.help.text).not.toBe('')
    expect(['none', 'note', 'warning', 'error']).toContain(rule.defaultConfiguration.level)
  }
  for (const { location } of artifacts) expectRelative(location.uri)
  for (const result of results) expectResult(result, rules, artifacts)
  const fingerprints = results.map(
    ({ locations: [{ physicalLocation }], partialFingerprints }) =>
      `${physicalLocation.artifactLocation.uri} ${partialFingerprints['livegateLine/v1']}`,
  )
  expect(new Set(fingerprints).size).toBe(results.length)
}

function expectResult(
  result: Result,
  rules: readonly Rule[],
  artifacts: Sarif['runs'][0]['artifacts'],
): void {
  expect(rules[result.ruleIndex]?.id).toBe(result.ruleId)
  expect(['note', 'warning', 'error']).toContain(result.level)
  expect(result.message.text).not.toBe('')
  expect(result.message.text.replaceAll(/\{\{|\}\}/g, '')).not.toMatch(/[{}]|\]\(/)
  expect(result.locations).toHaveLength(1)
  const { artifactLocation, region } = result.locations[0].physicalLocation
  expect(artifacts[artifactLocation.index]?.location.uri).toBe(artifactLocation.uri)
  for (const bound of Object.values(region)) {
    expect(Number.isInteger(bound)).toBe(true)
    expect(bound).toBeGreaterThanOrEqual(1)
  }
  expect(region.endLine).toBe(region.startLine)
  expect(region.endColumn).toBeGreaterThan(region.startColumn)
  for (const value of Object.values(result.partialFingerprints)) expect(typeof value).toBe('string')
  for (const { kind, justification } of result.suppressions ?? []) {
    expect(['inSource', 'external']).toContain(kind)
    expect(justification).not.toBe('')
  }
}

/** RFC 3986: relative, and nothing in it that a URI has to escape. */
function expectRelative(uri: string): void {
  expect(uri).toMatch(/^(?:[A-Za-z0-9\-._~!'()*/]|%[0-9A-F]{2})+$/)
  expect(uri.startsWith('/')).toBe(false)
}

describe('policy lint --sarif', () => {
  it('is valid with findings of the compiler, of checks, and what was allowed', async () => {
    const sarif = await wrong()
    expectValid(sarif)
    const [{ results }] = sarif.runs
    expect(results.map(({ ruleId }) => ruleId).toSorted()).toEqual([
      ...['default-deny', 'missing-because', 'missing-key', 'missing-key', 'no-tests'],
      ...['unreachable-rule', 'wrong-type'],
    ])
    const allowed = results.filter(({ suppressions }) => suppressions !== undefined)
    expect(allowed.map(({ ruleId, suppressions }) => [ruleId, suppressions])).toEqual([
      ['no-tests', [{ kind: 'inSource', justification: 'it is a test itself' }]],
    ])
  })

  it('names files from where the person stands, escaped', async () => {
    const sarif = await wrong()
    expect(sarif.runs[0].artifacts.map(({ location }) => location.uri)).toEqual([
      'my%20policies/broken.yaml',
      'my%20policies/%C3%A4%231.yaml',
    ])
  })

  it('has no placeholder and no link in a message, whatever authors write', async () => {
    const dir = aDirectory()
    const rule = '{ id: a, "[x](0)": 1, when: incident.active, outcome: deny, because: "{0}" }'
    writeFileSync(join(dir, 'p.yaml'), `livegate: policy/v1\nname: p\nrules: [${rule}]\n`)
    const sarif = await sarifOf(dir, 'p.yaml')
    expectValid(sarif)
    expect(sarif.runs[0].results.map(({ message }) => message.text.split(' (known')[0])).toEqual([
      'a rule has no member `[x] (0)`',
      'there is no placeholder `{{0}}`',
    ])
  })

  it('counts columns in UTF-16 code units, so that a region cuts out the very text', async () => {
    const sarif = await wrong()
    const [{ results }] = sarif.runs
    const cut = (code: string): string | undefined => {
      const region = results.find(({ ruleId }) => ruleId === code)?.locations[0].physicalLocation
        .region
      if (region === undefined) return undefined
      return WRONG.split('\n')[region.startLine - 1]?.slice(
        region.startColumn - 1,
        region.endColumn - 1,
      )
    }
    expect(cut('no-tests')).toBe('"📺 odd"')
    expect(cut('unreachable-rule')).toBe(`"stream.category == '🎸' && false"`)
    expect(cut('default-deny')).toBe('deny')
  })

  it('keeps a fingerprint when lines move, and gives two findings of one kind two', async () => {
    const print = async (text: string): Promise<readonly string[]> => {
      const dir = aDirectory()
      writeFileSync(join(dir, 'p.yaml'), text)
      const sarif = await sarifOf(dir, 'p.yaml')
      return sarif.runs[0].results.map((one) => Object.values(one.partialFingerprints).join())
    }
    const before = await print(WRONG)
    expect(await print(`# a comment\n\n${WRONG}`)).toEqual(before)
    expect(await print(WRONG.replace('id: b', 'id: c'))).not.toEqual(before)
    expect(new Set(before).size).toBe(before.length)
  })

  it('carries the page of each rule, and links to where the pages are published', async () => {
    const [{ tool }] = (await wrong('--pages', 'https://docs.example/checks/')).runs
    const { rules, version } = tool.driver
    const { version: own } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      version: string
    }
    expect(version).toBe(own)
    for (const { id, help, helpUri } of rules) {
      expect(helpUri).toBe(`https://docs.example/checks/${id}.md`)
      expect(help.markdown).toBe(readFileSync(join(ROOT, `docs/checks/${id}.md`), 'utf8'))
    }
    expect((await wrong()).runs[0].tool.driver.rules[0]?.helpUri).toBe(
      `urn:livegate:check:${rules[0]?.id}`,
    )
  })

  it('is valid and without open results for the policies we ship', async () => {
    const dir = aDirectory()
    cpSync(join(ROOT, 'policies'), join(dir, 'clean'), { recursive: true })
    const sarif = await sarifOf(dir, 'clean')
    expectValid(sarif)
    expect(sarif.runs[0].results.filter(({ suppressions }) => suppressions === undefined)).toEqual(
      [],
    )
  })
})
