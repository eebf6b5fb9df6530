/**
 * docs/tutorial.md, done as it says: its files written, its commands typed, in order, against a gate of its own.
 *
 * `UPDATE_SCRIPTS=1` rewrites what commands print where the page shows no `…`.
 */
import { execFile, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Example, examplesOf, patternOf } from '../support/console.ts'
import { type ServerProcess, startServer } from '../support/server.ts'

const call = promisify(execFile)
const ROOT = resolve(import.meta.dirname, '../..')
const PAGE = join(ROOT, 'docs/tutorial.md')
const page = readFileSync(PAGE, 'utf8')
const hasCurl = spawnSync('curl', ['--version']).status === 0
const reason = hasCurl ? '' : ' (skipped: curl is not installed)'

type Step = { readonly path: string; readonly text: string } | Example

/** Files and commands of the page, in its order. */
const steps: readonly Step[] = [
  ...page.matchAll(/^```yaml\n# (\S+)\n([\s\S]*?)^```|^```console\n[\s\S]*?^```/gm),
].flatMap(([block, path, text = '']): readonly Step[] =>
  path === undefined ? examplesOf(block) : [{ path, text }],
)
const commands = steps.flatMap((step) => ('command' in step ? [step] : []))

describe.skipIf(!hasCurl && process.env.CI !== 'true')(`the tutorial${reason}`, () => {
  const dir = mkdtempSync(join(tmpdir(), 'livegate-tutorial-'))
  const printed = new Map<Example, string>()
  let server: ServerProcess | undefined

  beforeAll(async () => {
    writeFileSync(
      join(dir, 'livegate'),
      `#!/bin/sh\nexec "${process.execPath}" "${join(ROOT, 'src/cli/main.ts')}" "$@"\n`,
      { mode: 0o755 },
    )
    // What a command leaves behind in its shell is there for the next one.
    const kept: string[] = []
    for (const step of steps) {
      if ('path' in step) {
        mkdirSync(dirname(join(dir, step.path)), { recursive: true })
        writeFileSync(join(dir, step.path), step.text)
      } else if (step.command.startsWith('livegate serve')) {
        expect(step.command).toBe('livegate serve --init --policy first.yaml')
        server = await startServer({
          ...{ data: join(dir, 'data'), policy: join(dir, 'first.yaml') },
          env: { LIVEGATE_ADMIN_KEY: '' },
        })
        printed.set(step, server.stderr())
      } else {
        const command = step.command.replace('http://127.0.0.1:8787', server?.url ?? '')
        printed.set(step, await typed([...kept, command].join('\n'), dir))
        if (/^export |^\w+\(\) /.test(command)) kept.push(command)
      }
    }
    if (process.env.UPDATE_SCRIPTS === '1') writeFileSync(PAGE, rewritten(printed))
  }, 120_000)

  afterAll(async () => {
    await server?.stop()
    rmSync(dir, { recursive: true, force: true })
  })

  it('has files and commands', () => {
    expect(steps.length - commands.length).toBeGreaterThan(7)
    expect(commands.length).toBeGreaterThan(20)
  })

  for (const example of commands)
    it(`promises what happens: ${example.command.slice(0, 100)}`, () => {
      const { output } = example
      if (output.length === 0) expect(printed.get(example)).toBe('')
      else expect(printed.get(example)).toMatch(patternOf(output))
    })

  it('shows every kind of step an author takes', () => {
    const verbs = commands.map(({ command }) => /^livegate policy (\w+)/.exec(command)?.[1])
    for (const verb of [
      'lint',
      'test',
      'explain',
      'prove',
      'diff',
      'backtest',
      'activate',
      'rollback',
    ])
      expect(verbs).toContain(verb)
  })
})

/** What a person sees who types `script`: both streams, whatever the exit code. */
async function typed(script: string, cwd: string): Promise<string> {
  const PATH = [cwd, dirname(process.execPath), process.env.PATH].join(delimiter)
  const env = { ...process.env, PATH, LC_ALL: 'C.UTF-8', NO_COLOR: '1' }
  const { stdout } = await call('bash', ['-c', `{ ${script}\n} 2>&1; true`], { cwd, env })
  return stdout
}

/** The page with what was printed, where it promises every character. */
function rewritten(printed: ReadonlyMap<Example, string>): string {
  let done = ''
  let rest = page
  for (const [{ command, output }, real] of printed) {
    const start = rest.indexOf(`$ ${command}\n`)
    const before = [`$ ${command}`, ...output, ''].join('\n')
    const promised = output.some((line) => line.includes('…'))
    done += rest.slice(0, start) + (promised ? before : `$ ${command}\n${real}`)
    rest = rest.slice(start + before.length)
  }
  return done + rest
}
