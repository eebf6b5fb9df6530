/**
 * Binds what a subcommand does to its place in the tree of commands.
 *
 * Adds `--json` to every subcommand, hands it a session instead of the world, and carries its exit code out.
 */
import type { Command } from 'commander'
import type { ExitCode } from './failure.ts'
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
      // Commander appends the command itself; the positions are those declared beside the action.
      ended(await action(session, ...(args.slice(0, -1) as unknown as A)))
    })
  }
}
