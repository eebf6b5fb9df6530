/**
 * With `--json` whatever ends a command before its result is one JSON document: a program never has to read prose.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { aDirectory, run } from './a-world.ts'

const cases: readonly {
  readonly name: string
  readonly argv: string
  readonly exit: number
  readonly message: string
  readonly hint?: string
  readonly codes?: readonly string[]
}[] = [
  {
    ...{ name: 'a command nobody knows', argv: 'policy provee --json', exit: 2 },
    ...{ message: "unknown command 'provee'", hint: 'did you mean `prove`?' },
  },
  {
    ...{ name: 'an option nobody knows', argv: 'policy prove x --jsn --json', exit: 2 },
    ...{ message: "unknown option '--jsn'", hint: 'did you mean `--json`?' },
  },
  {
    ...{ name: 'an argument too few', argv: 'policy backtest --json', exit: 2 },
    message: "missing required argument 'candidate'",
  },
  {
    ...{ name: 'options that do not go together', argv: 'policy explain --json', exit: 2 },
    message: 'Cannot explain: expected --policy and --history, or --subject of a running gate',
  },
  {
    ...{ name: 'a file that is not there', argv: 'policy prove gone.yaml --json', exit: 1 },
    message: 'Cannot use `gone.yaml`: there is no such file or directory',
  },
  ...[
    'policy prove bad.yaml',
    'policy diff bad.yaml good.yaml',
    'policy diff good.yaml bad.yaml',
    'policy explain --policy bad.yaml --history history.yaml',
    'policy backtest bad.yaml --data .',
  ].map((argv) => ({
    ...{ name: `a policy that does not compile: ${argv}`, argv: `${argv} --json`, exit: 3 },
    message: 'Cannot use policy `bad.yaml`: it has 2 problems',
    ...{ hint: 'see `livegate policy lint bad.yaml`', codes: ['missing-key', 'unknown-key'] },
  })),
  {
    ...{ name: 'a policy to activate', exit: 3, message: '2 problems; nothing was activated' },
    argv: 'policy activate bad.yaml --url http://127.0.0.1:9 --key k --json',
    codes: ['missing-key', 'unknown-key'],
  },
  {
    name: 'a history that is wrong',
    argv: 'policy explain --policy good.yaml --history bad.yaml --json',
    exit: 3,
    message: 'Cannot read history `bad.yaml`: it has 3 problems',
    codes: ['unknown-key', 'unknown-key', 'unknown-key'],
  },
]

const FILES = {
  'good.yaml':
    'livegate: policy/v1\nname: good\nrules:\n  - { id: r, when: incident.active, outcome: deny, appeal: { url: https://e.org } }\n',
  'bad.yaml': 'name: bad\nlivegate: policy/v1\nrule: []\n',
  'history.yaml': 'strikes: []\n',
}

function directory(): string {
  const dir = aDirectory()
  for (const [name, text] of Object.entries(FILES)) writeFileSync(join(dir, name), text)
  return dir
}

for (const { name, argv, exit, message, hint, codes = [] } of cases)
  test(`${name} is one JSON document`, async () => {
    const ran = await run(directory(), argv.split(' '))
    const { error, diagnostics } = JSON.parse(ran.out)
    expect(error).toEqual({ exit, message, ...(hint === undefined ? {} : { hint }) })
    expect(ran.exit).toBe(exit)
    expect(diagnostics.map(({ code }: { code: string }) => code)).toEqual(codes)
    for (const { file, line, column } of diagnostics)
      expect([file, line >= 1, column >= 1]).toEqual(['bad.yaml', true, true])
  })

test('help is help, with --json too', async () => {
  const ran = await run(directory(), ['policy', 'prove', '--help', '--json'])
  expect([ran.exit, ran.out.startsWith('Usage:')]).toEqual([0, true])
})

test('a failure after the result leaves the result alone', async () => {
  const ran = await run(directory(), ['policy', 'prove', 'good.yaml', '--json'])
  expect([ran.exit, JSON.parse(ran.out).error]).toEqual([0, undefined])
})
