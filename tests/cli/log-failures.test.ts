/**
 * Every command over logs fails alike: one exit code a cause, and with --json one document with exit, message and hint.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { VKEY } from './a-log.ts'
import { aDirectory, run } from './a-world.ts'

const GATE = 'https://gate.example'
const KEY = ['--vkey', VKEY]
/** A command line over the log at `where`. */
const COMMANDS: Readonly<Record<string, (where: string) => readonly string[]>> = {
  audit: (where) => ['log', 'audit', where, ...KEY],
  mirror: (where) => ['log', 'mirror', where, 'copy', ...KEY],
  proof: (where) => ['log', 'proof', '7', '--log', where, ...KEY],
  evidence: (where) => [
    ...['log', 'evidence', '--decision', 'd', '--out', 'e.json', '--open', 'none'],
    ...['--log', where, ...KEY],
  ],
}
/** Those that read no log, each on its own way into the same trouble. */
const OTHERS: readonly (readonly [trouble: string, exit: number, argv: readonly string[]])[] = [
  ['nobody there', 1, ['log', 'disclosures', '--url', GATE]],
  ['nobody there', 1, ['log', 'proof', 'decision', '--url', GATE]],
  ['nobody there', 1, ['log', 'verify', 'a.b.c~', '--url', GATE, ...KEY]],
  ['a file that is not there', 1, ['log', 'verify', 'a.b.c~', '--proof', 'gone', ...KEY]],
  ['no gate named', 2, ['log', 'disclosures']],
  ['no record', 2, ['log', 'verify', 'nothing', ...KEY]],
  [
    'a state that is none',
    1,
    ['log', 'monitor', `${GATE}/log`, ...KEY, '--state', 'bad.json', '--once'],
  ],
  [
    'no duration',
    2,
    ['log', 'monitor', `${GATE}/log`, ...KEY, '--state', 's.json', '--interval', 'x'],
  ],
  ['no address', 2, ['log', 'monitor', 'nowhere', ...KEY, '--state', 's.json', '--once']],
]
const TROUBLES: readonly (readonly [name: string, where: string, exit: number, message: RegExp])[] =
  [
    [
      'nobody there',
      `${GATE}/log`,
      1,
      /^Cannot reach `https:\/\/gate.example\/log`: ECONNREFUSED$/,
    ],
    ['an empty directory', 'empty', 1, /^Cannot read checkpoint of `empty`: there is none$/],
    ['no directory', 'gone', 1, /^Cannot use `gone`: there is no such file or directory$/],
    ['what is no log', 'bad', 1, /^Cannot trust checkpoint of `bad`: it is not a signed note$/],
  ]

async function failed(
  argv: readonly string[],
): Promise<{ exit: number; error: object; err: string }> {
  const dir = aDirectory()
  for (const name of ['empty', 'bad']) mkdirSync(join(dir, name))
  writeFileSync(join(dir, 'bad', 'checkpoint'), 'hello')
  writeFileSync(join(dir, 'bad.json'), '{}')
  const { exit, out, err } = await run(dir, [...argv, '--json'])
  const { error, diagnostics, ...more } = JSON.parse(out)
  expect([more, diagnostics]).toEqual([{}, []])
  return { exit, error, err }
}

/** Nothing else in it, and people are told the same. */
function expectAlike({ exit, error, err }: Awaited<ReturnType<typeof failed>>): void {
  const { message, hint, ...rest } = error as { readonly message: string; readonly hint?: string }
  expect(rest).toEqual({ exit })
  expect(err).toContain(`error: ${message}`)
  expect(hint === undefined || err.includes(`hint: ${hint}`)).toBe(true)
}

describe('a log command', () => {
  for (const [name, argv] of Object.entries(COMMANDS))
    test.each(TROUBLES)(`${name} over %s`, async (_, where, exit, message) => {
      const said = await failed(argv(where))
      expectAlike(said)
      expect(said).toMatchObject({ exit, error: { message: expect.stringMatching(message) } })
    })

  test.each([...Object.keys(COMMANDS), 'monitor', 'verify', 'disclosures'])(
    '%s with an option nobody knows',
    async (name) => {
      const said = await failed(['log', name, 'x', '--nonsense'])
      expectAlike(said)
      expect(said).toMatchObject({ exit: 2 })
    },
  )

  test.each([
    ...Object.entries(COMMANDS),
    [
      'monitor',
      (where: string) => ['log', 'monitor', where, '--state', 's.json', '--once', ...KEY],
    ] as const,
  ])('%s with a key that is none', async (_, argv) => {
    const said = await failed(
      argv(`${GATE}/log`).map((word) => (word === VKEY ? 'nonsense' : word)),
    )
    expectAlike(said)
    expect(said).toMatchObject({ exit: 2, error: { hint: expect.any(String) } })
  })

  test.each(OTHERS)('that meets %s is exit %i: %j', async (_, exit, argv) => {
    const said = await failed(argv)
    expectAlike(said)
    expect(said.exit).toBe(exit)
  })
})
