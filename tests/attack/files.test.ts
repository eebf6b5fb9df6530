/**
 * Files somebody else wrote, handed to every command that reads one: the exit code, one specific sentence, no stack,
 * and an end within seconds. What is wrong inside policies is tests/core/policy/hostile.test.ts.
 */
import { mkdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { makeEntries, publish, VKEY, writeFiles } from '../cli/a-log.ts'
import { aDirectory, type Ran, run } from '../cli/a-world.ts'

const HEAD = 'livegate: policy/v1\nname: t\n'
const GOOD = `${HEAD}rules:\n  - { id: a, clause: c, outcome: deny, when: incident.active }\n`
const MAPPING =
  'livegate: import/v1\nfields: { id: id, subject: subject, category: { constant: hate.speech }, severity: { constant: low }, issued_at: { constant: 2026-01-01T00:00:00Z } }\n'
const BOMB = `a: &a [x, x]\n${[...'bcdefgh'].map((c, i) => `${c}: &${c} [${Array(9).fill(`*${'abcdefg'[i]}`)}]`).join('\n')}`
const BINARY = Uint8Array.from({ length: 5_000 }, (_, i) => (i * 7_919) % 256)
const DEEP = '['.repeat(50_000)

interface Case {
  readonly name: string
  readonly argv: readonly string[]
  readonly file?: string | Uint8Array
  readonly exit: 1 | 2 | 3
  readonly says: RegExp
}

const LINT = ['policy', 'lint', 'f.yaml']
const TEST = ['policy', 'test', 'f.test.yaml']
const EXPLAIN = ['policy', 'explain', '--policy', 'good.yaml', '--history', 'f.yaml']
const MAP = ['strike', 'import', 'rows.csv', '--map', 'f.yaml', '--dry-run']
const CSV = ['strike', 'import', 'f.csv', '--map', 'good.map.yaml', '--dry-run']
const JSONL = ['strike', 'import', 'f.jsonl', '--map', 'good.map.yaml', '--dry-run']
const SERVE = ['serve', '--config', 'f.yaml']
const when = (cel: string): string =>
  `${HEAD}rules:\n  - { id: a, clause: c, outcome: deny, when: "${cel}" }\n`

const cases: readonly Case[] = [
  {
    name: 'a policy of aliases',
    argv: LINT,
    file: BOMB,
    exit: 3,
    says: /f.yaml:1:4 yaml-feature:/,
  },
  {
    name: 'a policy of 10 MB',
    argv: LINT,
    file: HEAD.padEnd(1e7, '#'),
    exit: 1,
    says: /10000000 bytes/,
  },
  {
    name: 'a policy that never ends',
    argv: ['policy', 'lint', '/dev/zero'],
    exit: 1,
    says: /more than 1048576 bytes/,
  },
  { name: 'a binary policy', argv: LINT, file: BINARY, exit: 3, says: /f.yaml:1:1 encoding:/ },
  {
    name: 'a policy of brackets',
    argv: LINT,
    file: `${HEAD}about: ${DEEP}`,
    exit: 3,
    says: / nesting:/,
  },
  {
    name: 'CEL of 100 KB',
    argv: LINT,
    file: when(`true${' && true'.repeat(12_000)}`),
    exit: 3,
    says: /expected 1 to 2000/,
  },
  {
    name: 'CEL of brackets',
    argv: LINT,
    file: when(`${'('.repeat(900)}true${')'.repeat(900)}`),
    exit: 3,
    says: / cel-\w+:/,
  },
  {
    name: 'CEL of negations',
    argv: LINT,
    file: when(`${'!'.repeat(1_900)}incident.active`),
    exit: 3,
    says: / cel-\w+:/,
  },
  {
    name: 'CEL of conditionals',
    argv: LINT,
    file: when(`${'true ? true : '.repeat(130)}false`),
    exit: 3,
    says: / cel-\w+:/,
  },
  {
    name: 'test file of anchors',
    argv: TEST,
    file: 'policy: &p ./good.yaml\n',
    exit: 3,
    says: /yaml-feature:/,
  },
  {
    name: 'a binary test file',
    argv: TEST,
    file: BINARY,
    exit: 3,
    says: /f.test.yaml:1:1 encoding:/,
  },
  {
    name: 'a history of aliases',
    argv: EXPLAIN,
    file: BOMB,
    exit: 3,
    says: /yaml-feature: a history cannot use an alias/,
  },
  {
    name: 'a history of brackets',
    argv: EXPLAIN,
    file: DEEP,
    exit: 3,
    says: / nesting: nesting is deeper than/,
  },
  {
    name: 'a binary history',
    argv: EXPLAIN,
    file: BINARY,
    exit: 3,
    says: /f.yaml:1:1 encoding:/,
  },
  {
    name: 'a history with __proto__',
    argv: EXPLAIN,
    file: '{"__proto__": {"subject": "x"}}',
    exit: 3,
    says: /unknown-key: a history has no member `__proto__`/,
  },
  {
    name: 'a history with a co-host of __proto__',
    argv: EXPLAIN,
    file: '{"cohosts": [{"__proto__": {"subject": "x"}}]}',
    exit: 3,
    says: /unknown-key: a co-host has no member `__proto__`/,
  },
  {
    name: 'a history with more co-hosts than a broadcast has',
    argv: EXPLAIN,
    file: `{"cohosts": [${'{},'.repeat(16)}{}]}`,
    exit: 3,
    says: /too-many: list has 17 items, limit 16/,
  },
  {
    name: 'a history with more strikes than a subject has',
    argv: EXPLAIN,
    file: `{"strikes": [${'{},'.repeat(4096)}{}]}`,
    exit: 3,
    says: /too-many: list has 4097 items, limit 4096/,
  },
  {
    name: 'a history with a strike at the end of time',
    argv: EXPLAIN,
    file: '{"strikes": [{"id": "a", "category": "a.b", "severity": "low", "issued_at": "+275760-09-13T00:00:00Z"}]}',
    exit: 3,
    says: /bad-instant: found `\+275760-09-13T00:00:00Z`/,
  },
  {
    name: 'a mapping of aliases',
    argv: MAP,
    file: BOMB,
    exit: 2,
    says: /f.yaml:2:8 aliases are not accepted/,
  },
  { name: 'a mapping of brackets', argv: MAP, file: DEEP, exit: 2, says: /it is nested too deep/ },
  {
    name: 'a mapping of 10 MB',
    argv: MAP,
    file: ''.padEnd(1e7, '#'),
    exit: 1,
    says: /10000000 bytes/,
  },
  {
    name: 'a CSV of one open quote',
    argv: CSV,
    file: 'id,subject\n"a,b\n',
    exit: 3,
    says: /its quotes do not match/,
  },
  {
    name: 'a CSV of one endless row',
    argv: CSV,
    file: 'id,subject\n'.padEnd(2e6, 'x'),
    exit: 3,
    says: /longer than 262144 bytes/,
  },
  {
    name: 'a CSV that is not UTF-8',
    argv: CSV,
    file: BINARY,
    exit: 3,
    says: /not well-formed UTF-8/,
  },
  {
    name: 'a CSV with a column twice',
    argv: CSV,
    file: 'id,id\n',
    exit: 3,
    says: /names a column twice/,
  },
  {
    name: 'a CSV with a NUL',
    argv: CSV,
    file: 'id\0,subject\n1,2\n',
    exit: 2,
    says: /has no column `id`/,
  },
  { name: 'an empty CSV', argv: CSV, file: '', exit: 3, says: /it is empty/ },
  {
    name: 'JSON Lines of brackets',
    argv: JSONL,
    file: '['.repeat(200_000),
    exit: 3,
    says: /line 1: it is not JSON/,
  },
  {
    name: 'JSON Lines of one endless line',
    argv: JSONL,
    file: ''.padEnd(2e6, 'x'),
    exit: 3,
    says: /longer than 262144 bytes/,
  },
  {
    name: 'JSON Lines with __proto__',
    argv: JSONL,
    file: '{"__proto__":{"id":1,"subject":"u"}}',
    exit: 3,
    says: /line 1: /,
  },
  {
    name: 'a configuration of aliases',
    argv: SERVE,
    file: BOMB,
    exit: 2,
    says: /Cannot read f.yaml: not YAML/,
  },
  {
    name: 'a configuration of brackets',
    argv: SERVE,
    file: '['.repeat(60_000),
    exit: 2,
    says: /Cannot read f.yaml: not YAML/,
  },
  {
    name: 'a configuration of 10 MB',
    argv: SERVE,
    file: ''.padEnd(1e7, '#'),
    exit: 1,
    says: /10000000 bytes/,
  },
  {
    name: 'a configuration with lists',
    argv: SERVE,
    file: 'port: [1]\n',
    exit: 2,
    says: /expected a single value/,
  },
]

const STACK = /^\s+at .+:\d+|node:internal|RangeError|Maximum call stack/m

describe('hostile files', () => {
  for (const { name, argv, file, exit, says } of cases)
    it(`${name} ends with exit ${exit} and says why`, async () => {
      const dir = aDirectory()
      writeFileSync(join(dir, 'good.yaml'), GOOD)
      writeFileSync(join(dir, 'good.map.yaml'), MAPPING)
      writeFileSync(join(dir, 'rows.csv'), 'id,subject\n')
      const named = argv.find((word) => word.startsWith('f.'))
      if (named !== undefined && file !== undefined) writeFileSync(join(dir, named), file)
      const ran = await run(dir, argv)
      expect(ran.out + ran.err).toMatch(says)
      expect(ran.exit).toBe(exit)
      expect(ran.out + ran.err).not.toMatch(STACK)
      expect(ran.err.length).toBeLessThan(1_000)
    })

  for (const argv of [LINT, TEST, EXPLAIN, MAP, CSV, JSONL, SERVE])
    it(`a directory instead of the file of \`${argv.slice(0, 2).join(' ')}\` is told apart`, async () => {
      const dir = aDirectory()
      writeFileSync(join(dir, 'good.yaml'), GOOD)
      writeFileSync(join(dir, 'good.map.yaml'), MAPPING)
      writeFileSync(join(dir, 'rows.csv'), 'id,subject\n')
      mkdirSync(join(dir, argv.find((word) => word.startsWith('f.')) ?? ''))
      const ran = await run(dir, argv)
      expect(ran.exit).not.toBe(0)
      expect(ran.out + ran.err).not.toMatch(STACK)
      expect(ran.out + ran.err).toMatch(/directory|there is no policy|there is no case/)
    })
})

describe('a damaged mirror', () => {
  const damages: readonly {
    readonly name: string
    readonly damage: (dir: string) => void
    readonly exit: 1 | 4
    readonly says: RegExp
  }[] = [
    {
      name: 'a checkpoint cut short',
      damage: (dir) => truncateSync(join(dir, 'checkpoint'), 40),
      exit: 1,
      says: /not a signed note/,
    },
    {
      name: 'an empty checkpoint',
      damage: (dir) => truncateSync(join(dir, 'checkpoint')),
      exit: 1,
      says: /not a signed note/,
    },
    {
      name: 'a checkpoint without end',
      damage: (dir) => replace(dir, 'checkpoint', '/dev/zero'),
      exit: 1,
      says: /more than|not a signed note/,
    },
    {
      name: 'a checkpoint that is a directory',
      damage: (dir) => replace(dir, 'checkpoint', null),
      exit: 1,
      says: /it is a directory/,
    },
    {
      name: 'a checkpoint linked to itself',
      damage: (dir) => replace(dir, 'checkpoint', 'checkpoint'),
      exit: 1,
      says: /Cannot use .*checkpoint/,
    },
    {
      name: 'a tile that is a directory',
      damage: (dir) => replace(dir, 'tile/0/000', null),
      exit: 1,
      says: /it is a directory/,
    },
    {
      name: 'a bundle without end',
      damage: (dir) => replace(dir, 'tile/entries/000', '/dev/zero'),
      exit: 1,
      says: /more than/,
    },
    {
      name: 'a bundle cut short',
      damage: (dir) => truncateSync(join(dir, 'tile/entries/000'), 5_000),
      exit: 1,
      says: /tile\/entries\/000|bundle/,
    },
    {
      name: 'a hash tile cut short',
      damage: (dir) => truncateSync(join(dir, 'tile/0/000'), 8_191),
      exit: 4,
      says: /tile/,
    },
    {
      name: 'a huge hash tile',
      damage: (dir) => truncateSync(join(dir, 'tile/0/000'), 64 * 1024 * 1024),
      exit: 1,
      says: /67108864 bytes/,
    },
  ]
  for (const { name, damage, exit, says } of damages)
    it(`with ${name} ends with exit ${exit}`, async () => {
      const dir = aDirectory()
      await writeFiles(dir, await publish(await makeEntries({ decisions: 300 })))
      damage(dir)
      const ran: Ran = await run(dir, ['log', 'audit', dir, '--vkey', VKEY, '--no-signatures'])
      expect(ran.out + ran.err).toMatch(says)
      expect(ran.exit).toBe(exit)
      expect(ran.out + ran.err).not.toMatch(STACK)
    })
})

/** A link in place of a file, or a directory. */
function replace(dir: string, path: string, target: string | null): void {
  rmSync(join(dir, path))
  if (target === null) mkdirSync(join(dir, path))
  else symlinkSync(target, join(dir, path))
}
