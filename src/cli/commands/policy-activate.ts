/**
 * `livegate policy activate`: a policy file into a running gate, or a report on what it would change there.
 *
 * A file with mistakes is found before the gate is asked. Spec: docs/cli.md, "policy activate".
 */
import type { Command } from 'commander'
import { MAX_POLICY_BYTES } from '../../core/limits.ts'
import { compilePolicy } from '../../core/policy/compile.ts'
import { formatDiagnostic } from '../../core/policy/diagnostic.ts'
import { parseInstant } from '../../core/time.ts'
import type { Act } from '../act.ts'
import { EXIT, type ExitCode, usage } from '../failure.ts'
import { readBounded } from '../files.ts'
import { type GateOptions, gateClient, gateOptions } from '../gate-client.ts'
import { activatedOf, activationText } from '../policy/gate-policies.ts'
import { plural, quote, type Session } from '../session.ts'

interface Options extends GateOptions {
  readonly at?: string
  readonly dryRun?: boolean
  readonly expectRevision?: string
  readonly note?: string
  readonly decisions?: string
}

export function policyActivate(noun: Command, act: Act): void {
  const command = noun
    .command('activate')
    .description('put a policy in force in a running gate')
    .argument('<file>', 'the policy')
    .option('--at <instant>', 'when it begins to decide; at once unless given')
    .option('--dry-run', 'only report what it would change')
    .option('--expect-revision <n>', 'refuse if another revision is the newest')
    .option('--note <text>', 'why, public in the log')
    .option('--decisions <n>', 'how many of the last decisions to report on')
  gateOptions(command).addHelpText('after', EXAMPLE)
  act(command, activate)
}

const EXAMPLE = `
Example:
  livegate policy activate policies/default.yaml --dry-run
  livegate policy activate policies/default.yaml --expect-revision 7 --note "ticket 12"`

async function activate(session: Session, file: string, options: Options): Promise<ExitCode> {
  const body = optionsOf(options)
  const bytes = await readBounded(session.path(file), 4 * MAX_POLICY_BYTES)
  const compiled = compilePolicy(bytes, { file })
  const source = new TextDecoder().decode(bytes)
  if (!compiled.ok) {
    const found = compiled.error.map((one) => formatDiagnostic(one, source))
    const errors = compiled.error.filter(({ severity }) => severity === 'error').length
    const message = `${plural(errors, 'problem')}; nothing was activated`
    session.result([...found, message].join('\n'), {
      error: { exit: EXIT.findings, message },
      diagnostics: compiled.error,
    })
    return EXIT.findings
  }
  const client = await gateClient(session, options)
  const answer = await client.send({
    ...{ method: 'PUT', path: '/v1/policies' },
    body: { policy: source, ...body },
  })
  const done = activatedOf(answer, 'activate the policy')
  session.result(activationText(session, done), done)
  return EXIT.clean
}

function optionsOf({ at, dryRun, expectRevision, note, decisions }: Options): object {
  const instant = at === undefined ? null : parseInstant(at)
  if (instant?.ok === false) throw usage(`Cannot activate at ${quote(at ?? '')}: ${instant.error}`)
  return {
    ...(instant === null ? {} : { activate_at: new Date(instant.value).toISOString() }),
    ...(dryRun === true ? { dry_run: true } : {}),
    ...(expectRevision === undefined
      ? {}
      : { expect_revision: wholeNumber(expectRevision, '--expect-revision') }),
    ...(note === undefined ? {} : { note }),
    ...(decisions === undefined ? {} : { decisions: wholeNumber(decisions, '--decisions') }),
  }
}

/** A number as an option gives it. */
export function wholeNumber(written: string, option: string): number {
  if (/^(?:0|[1-9]\d{0,14})$/.test(written)) return Number(written)
  throw usage(`Cannot read ${option} ${quote(written)}: expected a whole number`)
}
