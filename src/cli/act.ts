/**
 * Binds what a subcommand does to its place in the tree of commands.
 *
 * Adds `--json` to every subcommand, hands it a session instead of the world, and carries its exit code out. A failure
 * before the result is, with `--json`, the one document that is printed.
 */
import type { Command } from 'commander'
import { type ExitCode, failureJson, failureOf, relative } from './failure.ts'
import { createSession, type Session } from './session.ts'
import type { World } from './world.ts'

/** What a subcommand does: positional arguments in order, then its options. */
export type Action<A extends readonly unknown[]> = (
  session: Session,
  ...rest: A
) => Promise<ExitCode>

export type Act = <A extends readonly unknown[]>(command: Command, action: Action<A>) => void

/** `ended` gets the exit code of the one action that runs. */
export function acting(world: World, ended: (code: ExitCode) => void): Act {
  return <A extends readonly unknown[]>(command: Command, action: Action<A>) => {
    command.option('--json', 'print the result as one JSON document')
    command.action(async function run(this: Command, ...args: unknown[]) {
      const session = createSession(world, this.opts<{ json?: boolean }>().json === true)
      try {
        // Commander appends the command itself; the positions are those declared beside the action.
        ended(await action(session, ...(args.slice(0, -1) as unknown as A)))
      } catch (thrown) {
        const failure = relative(failureOf(thrown), world.cwd)
        if (session.json && !session.answered()) session.result('', failureJson(failure))
        throw failure
      }
    })
  }
}
