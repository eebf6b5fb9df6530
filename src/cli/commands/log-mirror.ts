/**
 * `livegate log mirror`: a copy of a log in which every byte has been proven against its signed checkpoint.
 */
import type { Command } from 'commander'
import type { Act } from '../act.ts'
import { EXIT, type ExitCode } from '../failure.ts'
import { headText, logKeyOf, vkeyOption } from '../log/head.ts'
import { mirrorLog } from '../log/mirror.ts'
import { openSource } from '../log/source.ts'
import { plural, type Session } from '../session.ts'

interface Options {
  readonly vkey: string
  readonly key?: string
  readonly entries: boolean
}

export function logMirror(noun: Command, act: Act): void {
  const command = noun
    .command('mirror')
    .description('copy a log, or what is new in it, proving every file')
    .argument('<url>', 'address before /checkpoint, or a directory')
    .argument('<dir>', 'where the copy is')
  vkeyOption(command)
    .option('--key <key>', 'API key with scope audit, or @FILE, for private entries (LIVEGATE_KEY)')
    .option('--no-entries', 'hash tiles only')
    .addHelpText('after', EXAMPLE)
  act(command, mirror)
}

const EXAMPLE = `
Example:
  livegate log mirror https://gate.example/log ./mirror --vkey gate.example/log+1a2b3c4d+AQ…`

async function mirror(
  session: Session,
  where: string,
  dir: string,
  options: Options,
): Promise<ExitCode> {
  const key = logKeyOf(options.vkey)
  const source = await openSource(session, where, options.key)
  const progress = session.progress('mirroring', null)
  try {
    const { from, to, written, head } = await mirrorLog({
      source,
      dir: session.path(dir),
      key,
      entries: options.entries,
      signal: session.world.signal,
      onTile: (done) => progress.update(done),
    })
    progress.end()
    const entries = options.entries ? '' : '; entries were not copied'
    session.result(
      `${headText(session, head)}: ${plural(to - from, 'new entry', 'new entries')}, ${plural(written, 'file')} written${entries}`,
      { origin: key.origin, from, to, written, root: Buffer.from(head.root).toString('base64') },
    )
    return EXIT.clean
  } finally {
    progress.end()
  }
}
