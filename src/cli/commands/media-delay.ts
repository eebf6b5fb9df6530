/**
 * `livegate media delay`: a pipe that is so many seconds long, for the delayed application of a media server.
 */
import type { Command } from 'commander'
import type { Act } from '../act.ts'
import { EXIT, type ExitCode, incomplete, usage } from '../failure.ts'
import { delayBytes } from '../media/delay.ts'
import { quote, type Session } from '../session.ts'

interface Options {
  readonly seconds: string
  readonly memory: string
}

export function mediaDelay(noun: Command, act: Act): void {
  const command = noun
    .command('delay')
    .description('hand standard input on to standard output, so many seconds later')
    .requiredOption('--seconds <n>', 'how much later, 1 to 3600')
    .option('--memory <megabytes>', 'held at most, 1 to 4096', '256')
    .addHelpText('after', EXAMPLE)
  act(command, delay)
}

const EXAMPLE = `
What is still held when the input ends is thrown away. Memory: bits per second of the stream / 8 x seconds; above --memory it ends
with exit code 1, and nothing goes out early.

Example, as part of a media server's configuration (docs/media/tape.md):
  ffmpeg -i rtmp://127.0.0.1/live/NAME -c copy -f flv - | livegate media delay --seconds 30 | ffmpeg -i - -c copy -f flv URL`

const MIB = 1_048_576

async function delay(session: Session, options: Options): Promise<ExitCode> {
  if (session.json) throw usage('Cannot delay as JSON: the output is the input, later')
  const seconds = wholeNumber(options.seconds, '--seconds', 3600)
  const megabytes = wholeNumber(options.memory, '--memory', 4096)
  const { pipe, signal } = session.world
  const end = await delayBytes({
    ...{ ...pipe(), signal, delay_ms: seconds * 1000, limit: megabytes * MIB },
    elapsed: () => performance.now(),
    after(delay_ms, fire) {
      const timer = setTimeout(fire, delay_ms)
      return () => clearTimeout(timer)
    },
  })
  if (end === 'full')
    throw incomplete(
      `Cannot hold more than ${megabytes} MiB back: the stream has more in ${seconds} s`,
      'give it more with --memory, or let the encoder send less',
    )
  if (end === 'closed') throw incomplete('Cannot hand on: nobody reads the output any more')
  return EXIT.clean
}

function wholeNumber(text: string, option: string, most: number): number {
  const value = /^[0-9]{1,6}$/.test(text) ? Number(text) : 0
  if (value >= 1 && value <= most) return value
  throw usage(`Cannot use ${option} ${quote(text)}: expected a whole number from 1 to ${most}`)
}
