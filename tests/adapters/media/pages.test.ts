/** docs/media against the code: the table of kinds, the servers files to paste, the addresses in them. */
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { Capabilities } from '../../../src/adapters/media/dialect.ts'
import { dialectFor, MEDIA_KINDS } from '../../../src/adapters/media/dialects.ts'
import { DRIVERS } from '../../../src/adapters/media/drivers.ts'
import { parseServersFile } from '../../../src/adapters/media/servers-file.ts'
import { toBase64, utf8 } from '../../../src/core/encoding.ts'
import { describeProblem } from '../../../src/scrub.ts'

const FOLDER = new URL('../../../docs/media/', import.meta.url)
const pages = readdirSync(FOLDER).filter((name) => name.endsWith('.md'))
const textOf = (page: string): string => readFileSync(new URL(page, FOLDER), 'utf8')

const STYLE: Readonly<Record<Capabilities['style'], string>> = {
  hook: 'before media flows',
  'late-hook': 'while media flows',
  token: 'never: checks tokens',
  'front-door': 'is asked by publishers',
}
const PROOF: Readonly<Record<Capabilities['proof'], string>> = {
  header: 'bearer',
  url: 'bearer or address',
  signature: 'signature',
  publisher: 'nothing',
}
const CUT: Readonly<Record<Capabilities['cut'], string>> = {
  api: 'its API',
  poll: 'answer to a poll',
  lifetime: 'its lifetime',
  none: 'nothing',
}

const LATE: Readonly<Record<Capabilities['late'], string>> = {
  copy: 'by a copy',
  move: 'elsewhere',
  no: 'no',
}

function row(kind: (typeof MEDIA_KINDS)[number]): string {
  const can = dialectFor(kind).capabilities
  const yes = (value: boolean): string => (value ? 'yes' : 'no')
  const cells = [
    `\`${kind}\``,
    STYLE[can.style],
    PROOF[can.proof],
    can.hold_max_ms === 0 ? 'no' : `${can.hold_max_ms / 1000} s`,
    can.rename ? 'by the answer' : can.style === 'token' ? 'there is no key' : 'beside the key',
    LATE[can.late],
    yes(can.lifetime),
    yes(can.poll),
    CUT[can.cut],
    can.when_down === 'deny' ? 'denies' : 'admits',
    yes(can.reason_to_client),
    String(can.max_credential_bytes),
  ]
  return `| ${cells.join(' | ')} |`
}

it('README shows what each kind can do, as the code has it', () => {
  const table = [
    '| kind | asks | shows | waits | public name | shown later | ends by itself | asks again | cut by | nobody answers | reason | key and name, bytes |',
    '|---|---|---|---|---|---|---|---|---|---|---|---|',
    ...MEDIA_KINDS.map(row),
  ].join('\n')
  expect(textOf('README.md')).toContain(table)
})

it('a kind that is cut by its API has a driver for it', () => {
  for (const kind of MEDIA_KINDS)
    expect([kind, DRIVERS[kind] !== null]).toEqual([
      kind,
      dialectFor(kind).capabilities.cut === 'api',
    ])
})

describe('the servers files to paste', () => {
  const blocks = pages.flatMap((page) =>
    [...textOf(page).matchAll(/```yaml\n(servers:[\s\S]*?)```/g)].map(
      ([, yaml = '']) => [page, yaml] as const,
    ),
  )
  const secret = toBase64(new Uint8Array(32).fill(5))
  for (const [index, [page, yaml]] of blocks.entries())
    it(`${page} (${index}): is accepted as it stands, and its kind and id are those of its addresses`, () => {
      const sources = { env: () => secret, file: () => secret }
      const read = parseServersFile(utf8(yaml), page, sources)
      if (!read.ok) throw new Error(read.error.map(describeProblem).join('\n'))
      const [server] = [...read.value.servers, ...read.value.templates.map((one) => one.server)]
      if (server === undefined) throw new Error('no server')
      const door = server.kind === 'whip' ? 'whip' : `hooks/${server.kind}`
      // Servers of a template have ids of their own.
      const id = read.value.templates.length > 0 ? '' : server.id
      if (server.kind !== 'generic') expect(textOf(page)).toContain(`/${door}/${id}`)
    })
  it('there is one for every kind', () => {
    for (const kind of MEDIA_KINDS)
      expect(blocks.some(([, yaml]) => yaml.includes(`kind: ${kind}\n`))).toBe(true)
  })
})

it('README leads to the page of every kind', () => {
  const needed = pages.filter((page) => /^ +kind: /m.test(textOf(page)) || page === 'recipes.md')
  expect(needed.length).toBeGreaterThanOrEqual(MEDIA_KINDS.length)
  for (const page of needed) expect(textOf('README.md')).toContain(`](${page})`)
})
