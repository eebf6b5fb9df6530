/**
 * `livegate serve`: hands the validated configuration to the Node host and waits for its end.
 */
import type { Command } from 'commander'
import { readConfig, SETTINGS, type Setting } from '../../adapters/node/config.ts'
import type { Act } from '../act.ts'
import { CliFailure, EXIT, type ExitCode } from '../failure.ts'
import { readBounded } from '../files.ts'
import type { Session } from '../session.ts'

type Options = Readonly<Record<string, string | boolean | undefined>>

const MAX_CONFIG_BYTES = 65_536

export function serve(program: Command, act: Act): void {
  const command = program.command('serve').description('run the gate on this machine')
  command.option('--config <file>', 'settings as YAML, one `name: value` per line')
  for (const setting of SETTINGS) command.option(flagsOf(setting), aboutOf(setting))
  command.addHelpText('after', '\nExample:\n  livegate serve --init --data ./data --port 8787')
  act(command, run)
}

/** A setting that is true or false may stand without a value. */
function flagsOf({ flag, fallback }: Setting): string {
  return fallback === 'false' || fallback === 'true' ? `--${flag} [value]` : `--${flag} <value>`
}

function aboutOf({ about, env, fallback }: Setting): string {
  return `${about} (${env}${fallback === null ? '' : `, else ${fallback}`})`
}

async function run(session: Session, options: Options): Promise<ExitCode> {
  const name = options.config
  const file =
    typeof name === 'string'
      ? {
          name,
          text: new TextDecoder().decode(await readBounded(session.path(name), MAX_CONFIG_BYTES)),
        }
      : null
  const flags = Object.fromEntries(SETTINGS.map(({ flag }) => [flag, options[camel(flag)]]))
  const config = readConfig({ flags, env: session.world.env, file })
  if (!config.ok) throw new CliFailure(EXIT.usage, config.error.join('\nerror: '))
  const { runServer } = await import('../../adapters/node/server.ts')
  await runServer(config.value, { signal: session.world.signal, talk: session.world.talk })
  return EXIT.clean
}

function camel(flag: string): string {
  return flag.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())
}
