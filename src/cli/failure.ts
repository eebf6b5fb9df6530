/**
 * How a command ends: the exit codes, and the one error that carries a message, a hint and a code to main.ts.
 *
 * A script must be able to tell "the tool broke" (1) from "the log lies" (4), so a command that is in doubt about
 * what it saw uses 1. Spec: docs/cli.md, "Exit codes".
 */
import { LivegateError } from '../core/errors.ts'
import type { Diagnostic } from '../core/policy/diagnostic.ts'

export const EXIT = {
  /** Did what was asked and found nothing wrong. */
  clean: 0,
  /** Could not complete: network, files, an answer out of turn. Says nothing about what was looked at. */
  incomplete: 1,
  /** The command line itself is wrong. */
  usage: 2,
  /** Completed, and found something: lint errors, failing cases, rows that cannot be imported. */
  findings: 3,
  /** Completed enough to prove that something signed or logged is false. */
  verification: 4,
} as const

export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

/** Ends the command. `message` and `hint` are shown; neither holds a secret. */
export class CliFailure extends Error {
  readonly exit: ExitCode
  readonly hint: string | undefined
  /** What is wrong with a file, where that is why; as data, whoever throws has said it to people. */
  readonly diagnostics: readonly Diagnostic[]

  constructor(
    exit: ExitCode,
    message: string,
    hint?: string,
    diagnostics: readonly Diagnostic[] = [],
  ) {
    super(message)
    this.name = 'CliFailure'
    this.exit = exit
    this.hint = hint
    this.diagnostics = diagnostics
  }
}

/** `Cannot …` with exit code 1. */
export function incomplete(message: string, hint?: string): CliFailure {
  return new CliFailure(EXIT.incomplete, message, hint)
}

/** A wrong command line: exit code 2. */
export function usage(message: string, hint?: string): CliFailure {
  return new CliFailure(EXIT.usage, message, hint)
}

/** What to show for anything thrown. Unknown errors are the tool's fault: exit code 1, never a stack trace. */
export function failureOf(thrown: unknown): CliFailure {
  if (thrown instanceof CliFailure) return thrown
  if (thrown instanceof LivegateError) return incomplete(thrown.message, thrown.hint)
  const { code, message } = thrown as { code?: string; message?: string }
  const path = (thrown as { path?: unknown } | null)?.path
  if (typeof path === 'string' && typeof code === 'string')
    return incomplete(`Cannot use \`${path}\`: ${fileTrouble(code)}`)
  const trouble = typeof code === 'string' ? FILE_TROUBLE[code] : undefined
  return incomplete(`Cannot complete: ${trouble ?? message ?? String(thrown)}`)
}

/** What --json prints instead of a result. Spec: docs/cli.md, "JSON". */
export function failureJson({ exit, message, hint, diagnostics }: CliFailure): object {
  return { error: { exit, message, ...(hint === undefined ? {} : { hint }) }, diagnostics }
}

/** The same with files named as the person would: from where they stand. */
export function relative(failure: CliFailure, cwd: string): CliFailure {
  const message = failure.message.replaceAll(`${cwd}/`, '')
  return new CliFailure(failure.exit, message, failure.hint, failure.diagnostics)
}

const FILE_TROUBLE: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or directory',
  EACCES: 'permission is denied',
  EISDIR: 'it is a directory, expected a file',
  ENOTDIR: 'it is a file, expected a directory',
  ENOSPC: 'the disk is full',
  EEXIST: 'it exists already',
}

function fileTrouble(code: string): string {
  return FILE_TROUBLE[code] ?? code
}
