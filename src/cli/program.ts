/**
 * The tree of commands, and the one way each is run.
 *
 * Reads: arguments (commander), then one file a subcommand under commands/. Leaves all work to them. Every failure ends
 * here as `error:` and `hint:` lines and an exit code (failure.ts). Next: commands/.
 */
import { Command, CommanderError } from 'commander'
import { type Act, acting } from './act.ts'
import { exportCommand } from './commands/export.ts'
import { factsImport } from './commands/facts-import.ts'
import { importCommand } from './commands/import.ts'
import { incidentConfirm } from './commands/incident-confirm.ts'
import { incidentEnd } from './commands/incident-end.ts'
import { incidentReport } from './commands/incident-report.ts'
import { incidentShow } from './commands/incident-show.ts'
import { incidentStart } from './commands/incident-start.ts'
import { keyCreate } from './commands/key-create.ts'
import { keyList } from './commands/key-list.ts'
import { keyRevoke } from './commands/key-revoke.ts'
import { keyRevokeRecord } from './commands/key-revoke-record.ts'
import { keyRotate } from './commands/key-rotate.ts'
import { logAudit } from './commands/log-audit.ts'
import { logDisclosures } from './commands/log-disclosures.ts'
import { logEvidence } from './commands/log-evidence.ts'
import { logMirror } from './commands/log-mirror.ts'
import { logMonitor } from './commands/log-monitor.ts'
import { logProof } from './commands/log-proof.ts'
import { logVerify } from './commands/log-verify.ts'
import { mediaDelay } from './commands/media-delay.ts'
import { mediaDeregister } from './commands/media-deregister.ts'
import { mediaDoctor } from './commands/media-doctor.ts'
import { mediaRegister } from './commands/media-register.ts'
import { mediaServers } from './commands/media-servers.ts'
import { policyActivate } from './commands/policy-activate.ts'
import { policyBacktest } from './commands/policy-backtest.ts'
import { policyDiff } from './commands/policy-diff.ts'
import { policyExplain } from './commands/policy-explain.ts'
import { policyLint } from './commands/policy-lint.ts'
import { policyList } from './commands/policy-list.ts'
import { policyNew } from './commands/policy-new.ts'
import { policyProve } from './commands/policy-prove.ts'
import { policyRollback } from './commands/policy-rollback.ts'
import { policyRollout } from './commands/policy-rollout.ts'
import { policyTest } from './commands/policy-test.ts'
import { reviewClaim } from './commands/review-claim.ts'
import { reviewList } from './commands/review-list.ts'
import { reviewRefuse } from './commands/review-refuse.ts'
import { reviewRelease } from './commands/review-release.ts'
import { serve } from './commands/serve.ts'
import { strikeAdd } from './commands/strike-add.ts'
import { strikeImport } from './commands/strike-import.ts'
import { strikeReverse } from './commands/strike-reverse.ts'
import { subjectErase } from './commands/subject-erase.ts'
import { subjectExport } from './commands/subject-export.ts'
import { subjectHold } from './commands/subject-hold.ts'
import { webhookDead } from './commands/webhook-dead.ts'
import { webhookKeygen } from './commands/webhook-keygen.ts'
import { webhookList } from './commands/webhook-list.ts'
import { webhookReplay } from './commands/webhook-replay.ts'
import { EXIT, type ExitCode, failureJson, failureOf, usage } from './failure.ts'
import { jsonText, printable } from './session.ts'
import type { World } from './world.ts'

type Register = (noun: Command, act: Act) => void

const NOUNS: readonly (readonly [name: string, about: string, verbs: readonly Register[]])[] = [
  [
    'policy',
    'check, test, explain, compare, backtest and prove policies',
    [
      policyNew,
      policyLint,
      policyTest,
      policyExplain,
      policyDiff,
      policyBacktest,
      policyRollout,
      policyProve,
      policyActivate,
      policyRollback,
      policyList,
    ],
  ],
  ['strike', 'record violations in a running gate', [strikeAdd, strikeReverse, strikeImport]],
  ['facts', 'store facts about subjects in a running gate', [factsImport]],
  [
    'subject',
    'what a running gate stores about a person: export, erase, hold',
    [subjectExport, subjectErase, subjectHold],
  ],
  [
    'media',
    'media servers: which there are, what they do, and tape delay',
    [mediaServers, mediaRegister, mediaDeregister, mediaDoctor, mediaDelay],
  ],
  [
    'webhook',
    'webhooks of a running gate: what did not arrive, and sending it again',
    [webhookList, webhookDead, webhookReplay, webhookKeygen],
  ],
  [
    'review',
    'what people are asked about in a running gate: list, claim, release, refuse',
    [reviewList, reviewClaim, reviewRelease, reviewRefuse],
  ],
  [
    'incident',
    'incident mode of a running gate: start, confirm, end, show, report',
    [incidentStart, incidentConfirm, incidentEnd, incidentShow, incidentReport],
  ],
  [
    'key',
    'API keys of a data directory, signing keys of a running gate',
    [keyCreate, keyList, keyRevoke, keyRotate, keyRevokeRecord],
  ],
  [
    'log',
    'mirror, watch and verify a transparency log',
    [logMirror, logAudit, logMonitor, logVerify, logProof, logDisclosures, logEvidence],
  ],
]

/** Runs one command line (without node and script) and says how it ended. Never throws, never exits the process. */
export async function runCli(argv: readonly string[], world: World): Promise<ExitCode> {
  let exit: ExitCode = EXIT.clean
  const program = createProgram(
    world,
    acting(world, (code) => {
      exit = code
    }),
  )
  try {
    await program.parseAsync(argv, { from: 'user' })
    return exit
  } catch (thrown) {
    if (thrown instanceof CommanderError) return wrongLine(thrown, argv, world)
    const failure = failureOf(thrown)
    world.talk(`error: ${printable(failure.message)}\n`)
    if (failure.hint !== undefined) world.talk(`hint: ${printable(failure.hint)}\n`)
    return failure.exit
  }
}

/** What commander refuses; it has said so to people. */
function wrongLine(thrown: CommanderError, argv: readonly string[], world: World): ExitCode {
  if (thrown.exitCode === 0) return EXIT.clean
  if (!argv.includes('--json')) return EXIT.usage
  const [first = '', ...hints] = asHint(thrown.message).split('\n')
  const message =
    thrown.code === 'commander.help' ? 'expected a command' : first.replace(/^error: /, '')
  const failure = usage(message, hints[0]?.replace(/^hint: /, ''))
  world.out(`${jsonText(failureJson(failure), 2)}\n`)
  return EXIT.usage
}

function createProgram(world: World, act: Act): Command {
  const program = new Command('livegate')
    .description('The gate that decides who may go live.')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => world.out(text),
      writeErr: (text) => world.talk(text),
      outputError: (text, write) => write(asHint(text)),
      getOutHelpWidth: () => 100,
      getErrHelpWidth: () => 100,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .addHelpText('after', EXIT_CODES)
  for (const register of [serve, exportCommand, importCommand]) register(program, act)
  for (const [name, about, verbs] of NOUNS) {
    const noun = program.command(name).description(about)
    for (const register of verbs) register(noun, act)
  }
  return program
}

const EXIT_CODES = `
Exit codes: 0 clean, 1 could not complete, 2 wrong usage, 3 findings, 4 verification failed.
Environment: LIVEGATE_URL and LIVEGATE_KEY stand in for --url and --key; NO_COLOR turns colour off.`

/** Commander puts its suggestion in brackets on a line of its own: `(Did you mean lint?)`. */
function asHint(text: string): string {
  return text.replace(/\n\(Did you mean (.+)\?\)/, '\nhint: did you mean `$1`?')
}
