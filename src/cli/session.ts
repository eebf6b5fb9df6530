/**
 * One run of one command: how it prints, where its files are, what it was asked in common with all others.
 *
 * A command prints its result once, as text or, with --json, as one JSON document. Text that came from outside is
 * shown with control characters replaced, so that no file and no server can write to the terminal.
 */
import { resolve } from 'node:path'
import { styleText } from 'node:util'
import { createProgress, type Progress } from './progress.ts'
import type { World } from './world.ts'

export type Style = 'red' | 'green' | 'yellow' | 'dim' | 'bold'

export interface Session {
  readonly world: World
  readonly json: boolean
  /** The result: `text` for people, `value` for --json. Call it once. */
  result(text: string, value: unknown): void
  /** Lines that are documents of their own, instead of one result. */
  lines(text: string): void
  /** True once something of a result was printed. */
  answered(): boolean
  /** A line of talk on standard error. */
  say(line: string): void
  /** `warning: …` on standard error. */
  warn(line: string): void
  /** Colours `text` where results go to a terminal that wants colour. */
  paint(style: Style, text: string): string
  /** Absolute path of what the person wrote. */
  path(written: string): string
  /** A bar on standard error, silent unless that is a terminal. */
  progress(label: string, total: number | null): Progress
}

/** `json` as given on the command line. */
export function createSession(world: World, json: boolean): Session {
  const colour = world.out_tty && !json && !world.env.NO_COLOR
  let answered = false
  const print = (text: string): void => {
    answered = true
    world.out(text)
  }
  return {
    world,
    json,
    lines: print,
    answered: () => answered,
    result(text, value) {
      print(json ? `${jsonText(value, 2)}\n` : endLine(printable(text, colour)))
    },
    say: (line) => world.talk(`${printable(line, false)}\n`),
    warn: (line) => world.talk(`warning: ${printable(line, false)}\n`),
    paint: (style, text) => (colour ? styleText(style, text, { validateStream: false }) : text),
    path: (written) => resolve(world.cwd, written),
    progress: (label, total) => createProgress(world, label, total),
  }
}

function endLine(text: string): string {
  return text === '' || text.endsWith('\n') ? text : `${text}\n`
}

/** C0 but tab and newline, DEL, C1, and what turns the direction of text. */
const UNPRINTABLE: RegExp =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not reach a terminal.
  /[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g
/** Colours, ours among them; they steer nothing. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: an escape begins with one.
const STYLED = /(\x1b\[[0-9;]*m)/

/** `text` without characters that steer a terminal. */
export function printable(text: string, keepColour = false): string {
  if (!keepColour) return text.replace(UNPRINTABLE, '\ufffd')
  return text
    .split(STYLED)
    .map((part, i) => (i % 2 === 1 ? part : part.replace(UNPRINTABLE, '\ufffd')))
    .join('')
}

/** JSON in which what steers a terminal is escaped; it reads back as the same value. */
export function jsonText(value: unknown, indent = 0): string {
  const escaped = (steering: string): string =>
    `\\u${steering.charCodeAt(0).toString(16).padStart(4, '0')}`
  // Line breaks of the indentation are not among these, those in strings are escaped already.
  return JSON.stringify(value, null, indent).replace(UNPRINTABLE, escaped)
}

/** What somebody wrote, in backticks, one line, at most 60 characters. */
export function quote(text: string): string {
  const line = printable(text.replace(/\s+/g, ' '))
  return `\`${line.length > 60 ? `${line.slice(0, 57)}...` : line}\``
}

/** `1 row`, `2 rows`. */
export function plural(count: number, one: string, many: string = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`
}
