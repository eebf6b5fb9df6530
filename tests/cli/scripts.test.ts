/**
 * Runs every script beside this file: what a person types, and exactly what they see.
 *
 *     $ livegate policy lint bad.yaml       a command; words may stand in "quotes"
 *     | stdout line                         `| ...` stands for any lines
 *     ! stderr line                         `! ...` likewise
 *     exit 3                                0 unless given
 *     env NAME=value                        for the commands that follow
 *     log N                                 makes ./log with N decisions and disclosures.jsonl; $VKEY is its verifier key
 *
 * Files follow after the commands, each behind a line `-- name --`. `UPDATE_SCRIPTS=1` rewrites what commands print.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { disclosureLine, JWKS, makeEntries, publish, VKEY, writeFiles } from './a-log.ts'
import { aDirectory, type Ran, run } from './a-world.ts'

const HERE = import.meta.dirname
const scripts = readdirSync(HERE).filter((name) => name.endsWith('.txt'))

interface Step {
  readonly line: string
  readonly out: string[]
  readonly err: string[]
  exit: number
}

describe('command line scripts', () => {
  test('there are some', () => {
    expect(scripts.length).toBeGreaterThan(5)
  })

  for (const name of scripts)
    test(name.replace('.txt', '').replaceAll('-', ' '), async () => {
      const { steps, rest } = parse(readFileSync(join(HERE, name), 'utf8'))
      const dir = aDirectory()
      for (const [path, content] of filesOf(rest)) {
        mkdirSync(dirname(join(dir, path)), { recursive: true })
        writeFileSync(join(dir, path), content)
      }
      const env: Record<string, string> = {}
      const written: string[] = []
      for (const step of steps) {
        const ran = await play(step, dir, env)
        written.push(ran === null ? step.line : show(step.line, ran))
        if (ran === null || process.env.UPDATE_SCRIPTS === '1') continue
        const what = `${name}: ${step.line}`
        expect(matches(ran.out, step.out), `${what}\nstdout:\n${ran.out}stderr:\n${ran.err}`).toBe(
          true,
        )
        expect(matches(ran.err, step.err), `${what}\nstderr:\n${ran.err}`).toBe(true)
        expect(ran.exit, what).toBe(step.exit)
      }
      if (process.env.UPDATE_SCRIPTS === '1')
        writeFileSync(join(HERE, name), `${written.join('\n')}\n${rest}`)
    })
})

function parse(text: string): { readonly steps: readonly Step[]; readonly rest: string } {
  const cut = text.search(/^-- .+ --$/m)
  const steps: Step[] = []
  for (const line of (cut < 0 ? text : text.slice(0, cut)).replace(/\n$/, '').split('\n')) {
    const last = steps.at(-1)
    if (line.startsWith('| ') || line === '|') last?.out.push(line.slice(2))
    else if (line.startsWith('! ') || line === '!') last?.err.push(line.slice(2))
    else if (line.startsWith('exit ') && last !== undefined) last.exit = Number(line.slice(5))
    else steps.push({ line, out: [], err: [], exit: 0 })
  }
  return { steps, rest: cut < 0 ? '' : text.slice(cut) }
}

/** Null for a step that prints nothing by its nature: comments, blank lines, settings. */
async function play(step: Step, dir: string, env: Record<string, string>): Promise<Ran | null> {
  const { line } = step
  if (line.startsWith('$ livegate')) {
    const words = [
      ...line
        .slice(10)
        .replaceAll('$VKEY', VKEY)
        .matchAll(/"([^"]*)"|(\S+)/g),
    ]
    const ran = await run(
      dir,
      words.map((word) => word[1] ?? word[2] ?? ''),
      { env },
    )
    return { ...ran, out: ran.out.replaceAll(dir, '$DIR'), err: ran.err.replaceAll(dir, '$DIR') }
  }
  const [, name, value] = /^env (\w+)=(.*)$/.exec(line) ?? []
  if (name !== undefined) env[name] = value ?? ''
  const size = /^log (\d+)$/.exec(line)?.[1]
  if (size !== undefined) {
    const entries = await makeEntries({ decisions: Number(size) })
    await writeFiles(join(dir, 'log'), await publish(entries))
    writeFileSync(join(dir, 'jwks.json'), JWKS)
    writeFileSync(join(dir, 'record.txt'), entries[3]?.jws ?? '')
    const chained = entries.filter(({ openings }) => openings.chain !== undefined)
    const lines = chained.map((entry) => `${disclosureLine(entry)}\n`)
    writeFileSync(join(dir, 'disclosures.jsonl'), lines.join(''))
  }
  return null
}

function matches(printed: string, expected: readonly string[]): boolean {
  const pattern = expected.map((line) => (line === '...' ? '(?:.*\n)*?' : `${literally(line)}\n`))
  return new RegExp(`^${pattern.join('')}$`).test(printed)
}

function literally(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}

function show(line: string, { out, err, exit }: Ran): string {
  const lines = (text: string, mark: string): string[] =>
    text === ''
      ? []
      : text
          .replace(/\n$/, '')
          .split('\n')
          .map((one) => `${mark} ${one}`.trimEnd())
  const code = exit === 0 ? [] : [`exit ${exit}`]
  return [line, ...lines(out, '|'), ...lines(err, '!'), ...code].join('\n')
}

function filesOf(text: string): [path: string, content: string][] {
  const parts = text.split(/^-- (.+) --\n/m).slice(1)
  return parts.flatMap((part, i) => (i % 2 === 0 ? [[part, parts[i + 1] ?? '']] : [])) as [
    string,
    string,
  ][]
}
