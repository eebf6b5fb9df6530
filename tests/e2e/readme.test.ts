/** The README's tour, typed into a shell as a new user would: every promised output must come. */
import { execFile, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Example, examplesOf, patternOf } from '../support/console.ts'
import { type ServerProcess, startServer } from '../support/server.ts'

const run = promisify(execFile)
const ROOT = resolve(import.meta.dirname, '../..')
const readme = readFileSync(join(ROOT, 'README.md'), 'utf8')
const examples = examplesOf(readme)
const hasCurl = spawnSync('curl', ['--version']).status === 0
const reason = hasCurl ? '' : ' (skipped: curl is not installed)'

describe.skipIf(!hasCurl && process.env.CI !== 'true')(`the README tour${reason}`, () => {
  const dir = mkdtempSync(join(tmpdir(), 'livegate-tour-'))
  let server: ServerProcess
  let outputs: readonly string[]

  beforeAll(async () => {
    // An empty variable counts as unset, so this gate generates its admin key as `npm start` does.
    server = await startServer({ data: join(dir, 'data'), env: { LIVEGATE_ADMIN_KEY: '' } })
    for (const name of ['package.json', 'src', 'node_modules', 'policies'])
      symlinkSync(join(ROOT, name), join(dir, name))
    outputs = await typed(examples, server.url, dir)
  })

  afterAll(async () => {
    await server.stop()
    rmSync(dir, { recursive: true, force: true })
  })

  it('has commands', () => {
    expect(examples.length).toBeGreaterThan(7)
  })

  for (const [i, { command, output }] of examples.entries())
    it(`promises what happens: ${command.slice(0, 100)}`, () => {
      if (output.length === 0) expect(outputs[i]).toBe('')
      else expect(outputs[i]).toMatch(patternOf(output))
    })

  it('the curl line that a fresh gate prints works as pasted', async () => {
    const [, pasted] = /try it:\n([\s\S]*?}}')\n/.exec(server.stderr()) ?? []
    const { stdout } = await run('bash', ['-c', pasted ?? 'false'])
    expect(JSON.parse(stdout)).toMatchObject({ outcome: 'allow' })
  })
})

const MARK = '\u0001'

/** One shell for all commands, so that variables and functions carry over; outputs told apart by a mark. */
async function typed(
  commands: readonly Example[],
  url: string,
  cwd: string,
): Promise<readonly string[]> {
  const script = commands
    .map(
      ({ command }) => `${command.replaceAll('http://127.0.0.1:8787', url)} 2>&1\nprintf '${MARK}'`,
    )
    // A checkpoint covers new entries within a second; the audit of the page comes after reading it.
    .map((line) => (line.includes('log audit') ? `sleep 1.5\n${line}` : line))
    .join('\n')
  const { stdout } = await run('bash', ['-c', script], {
    cwd,
    env: { ...process.env, NO_COLOR: '1' },
  })
  return stdout.split(MARK).map((output) => output.trim())
}
