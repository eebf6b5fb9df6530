/**
 * `policy test --watch`: what is changed while nobody waits is still seen, faults do not end it, the person does.
 */
import { spawn } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { directoriesOf, watchDirectories } from '../../src/cli/policy/watch.ts'
import type { World } from '../../src/cli/world.ts'
import { aDirectory, run } from './a-world.ts'

const POLICY = `livegate: policy/v1
name: p
rules: [{ id: r, when: incident.active, outcome: deny }]
`
const TESTS = (outcome: string) => `policy: ./p.yaml
now: 2026-01-31
subjects: { a: {} }
cases: [{ name: x, subject: a, expect: { outcome: ${outcome} } }]
`

/** Runs the watch; after each run the next of `steps` is taken, after the last the person has had enough. */
async function watching(
  steps: readonly ((dir: string) => void)[],
  options: { readonly changes?: Partial<World>; readonly argv?: readonly string[] } = {},
) {
  const dir = aDirectory()
  writeFileSync(join(dir, 'p.yaml'), POLICY)
  writeFileSync(join(dir, 'p.test.yaml'), TESTS('allow'))
  const stop = new AbortController()
  const watched: string[] = []
  const slept: number[] = []
  let changed = (): void => undefined
  let open = 0
  let err = ''
  let taken = 0
  const ran = await run(dir, options.argv ?? ['policy', 'test', '.', '--watch', '--quiet'], {
    signal: stop.signal,
    sleep: async (ms) => void slept.push(ms),
    watch: (directories, notice) => {
      watched.push(...directories.map((path) => path.replace(dir, '.')))
      open++
      changed = notice
      return () => void open--
    },
    talk: (text) => {
      err += text
      if (!text.startsWith('watching')) return
      const step = steps[taken++]
      if (step === undefined) return stop.abort()
      step(dir)
      changed()
      changed()
    },
    ...options.changes,
  })
  return { ...ran, err: err.replaceAll(dir, '.'), watched, slept, open }
}

const write =
  (name: string, text: string) =>
  (dir: string): void =>
    writeFileSync(join(dir, name), text)

describe('watching', () => {
  it('runs once, and ends clean when the person has had enough', async () => {
    const { exit, out, err, open, slept } = await watching([])
    expect({ exit, out, err, open, slept }).toEqual({
      exit: 0,
      out: '1 case: 1 passed, 0 failed\n',
      err: 'watching .; end with Ctrl-C\n',
      open: 0,
      slept: [],
    })
  })

  it('runs again after a change of the test or of the policy, once for a burst of changes', async () => {
    const { out, slept, exit } = await watching([
      write('p.test.yaml', TESTS('deny')),
      write('p.yaml', POLICY.replace('incident.active', '"true"')),
    ])
    expect(out.split('\n').filter((line) => line.includes('case:'))).toEqual([
      '1 case: 1 passed, 0 failed',
      '1 case: 0 passed, 1 failed',
      '1 case: 1 passed, 0 failed',
    ])
    expect(slept).toEqual([60, 60])
    expect(exit).toBe(0)
  })

  it('survives files that are wrong or gone', async () => {
    const { out, err, exit } = await watching([
      write('p.yaml', 'rules: 7\n'),
      (dir) => rmSync(join(dir, 'p.yaml')),
      (dir) => rmSync(join(dir, 'p.test.yaml')),
      (dir) => {
        write('p.yaml', POLICY)(dir)
        write('p.test.yaml', TESTS('allow'))(dir)
      },
    ])
    expect(out).toContain('p.yaml:1:8 wrong-type')
    expect(err).toContain('error: Cannot read `./p.yaml`: there is no such file')
    expect(out.endsWith('1 case: 1 passed, 0 failed\n')).toBe(true)
    expect(exit).toBe(0)
  })

  it('wipes the screen before each run, on a terminal only', async () => {
    const wipe = '\x1b[2J\x1b[3J\x1b[H'
    const { out } = await watching([write('p.test.yaml', TESTS('deny'))], {
      changes: { out_tty: true, env: { NO_COLOR: '1' } },
    })
    expect(out.split(wipe).length).toBe(3)
    expect((await watching([])).out).not.toContain('\x1b')
  })

  it('looks into every directory below, and where policies lie that tests name', async () => {
    const { watched } = await watching(
      [
        (dir) => {
          mkdirSync(join(dir, 'deep/er'), { recursive: true })
          mkdirSync(join(dir, 'node_modules/x'), { recursive: true })
          mkdirSync(join(dir, 'deep/tests'))
          write('deep/er/q.yaml', POLICY)(dir)
          write('deep/tests/q.test.yaml', TESTS('allow').replace('./p', '../er/q'))(dir)
        },
      ],
      { argv: ['policy', 'test', '.', '--watch'] },
    )
    expect(watched.sort()).toEqual(['.', './deep', './deep/er', './deep/tests'])
  })

  it('of a file watches its directory', async () => {
    const { watched } = await watching([], { argv: ['policy', 'test', 'p.test.yaml', '--watch'] })
    expect(watched).toEqual(['.'])
  })
})

describe('the process', () => {
  it('runs, waits, runs again after a save, and ends with 0 on Ctrl-C', async () => {
    const dir = aDirectory()
    writeFileSync(join(dir, 'p.yaml'), POLICY)
    writeFileSync(join(dir, 'p.test.yaml'), TESTS('allow'))
    const main = resolve(import.meta.dirname, '../../src/cli/main.ts')
    const child = spawn(process.execPath, [main, 'policy', 'test', '.', '--watch', '--quiet'], {
      cwd: dir,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let out = ''
    let waits = 0
    child.stdout.on('data', (chunk) => {
      out += chunk
    })
    child.stderr.on('data', () => {
      waits++
      if (waits === 1) writeFileSync(join(dir, 'p.test.yaml'), TESTS('deny'))
      else child.kill('SIGINT')
    })
    const code = await new Promise((done) => child.once('close', done))
    expect(code).toBe(0)
    expect(out).toMatch(/^1 case: 1 passed, 0 failed\n(?:.|\n)*1 case: 0 passed, 1 failed\n$/)
  })
})

describe('a real directory', () => {
  it('is heard when a file in it is saved', async () => {
    const dir = aDirectory()
    const heard = new Promise<void>((resolve) => {
      onTestFinished(watchDirectories([dir, join(dir, 'there is no such')], resolve))
    })
    writeFileSync(join(dir, 'p.yaml'), POLICY)
    await heard
  })

  it('that is a file is the directory it lies in', async () => {
    const dir = aDirectory()
    writeFileSync(join(dir, 'p.yaml'), POLICY)
    expect(await directoriesOf([join(dir, 'p.yaml'), join(dir, 'gone.yaml')])).toEqual([dir])
  })
})
