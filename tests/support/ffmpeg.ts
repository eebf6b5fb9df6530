/**
 * A broadcaster and a viewer. The exit code cannot tell a refusal from a cut, so what counts is whether media went out:
 * ffmpeg's own progress (`out_time_us` above zero).
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { programPath } from './programs.ts'

export interface Broadcast {
  /** Resolves with true once media has gone out, with false when it ended before. */
  readonly live: Promise<boolean>
  /** Resolves when ffmpeg has ended. */
  readonly ended: Promise<{ readonly code: number | null; readonly log: string }>
  /** Ends it as a person would; resolves when it has ended. */
  stop(): Promise<void>
}

/** Hard limits, seconds: a hanging ffmpeg is killed whatever the test does. */
const LIMIT = (seconds: number): readonly string[] => ['-k', '2', String(seconds + 10)]

const QUIET = '-nostdin -hide_banner -loglevel error'
const SOURCE = '-re -f lavfi -i testsrc=size=160x90:rate=10 -f lavfi -i sine=frequency=440'
const CODEC = '-c:v libx264 -preset ultrafast -tune zerolatency -g 10 -c:a aac -b:a 32k'
const PROGRESS = '-stats_period 0.1 -progress pipe:1 -f flv'

/** Starts sending test pictures to `url`, for at most `seconds`. */
export function broadcast(url: string, seconds = 30): Broadcast {
  return send(`${QUIET} ${SOURCE} -t ${seconds} ${CODEC} ${PROGRESS}`, url, seconds)
}

/** The same from a file of `recording`, over and over: next to no work, so that many run at once. */
export function replay(file: string, url: string, seconds = 60): Broadcast {
  const input = `-re -stream_loop -1 -i ${file}`
  return send(`${QUIET} ${input} -t ${seconds} -c copy ${PROGRESS}`, url, seconds)
}

/** Writes ten seconds of test pictures to `file` (FLV, five small pictures a second). */
export async function recording(file: string): Promise<void> {
  const source = SOURCE.replace('-re ', '').replace('rate=10', 'rate=5')
  const parameters = `${QUIET} -y ${source} -t 10 ${CODEC} -f flv`
  const { code, log } = await send(parameters, file, 30).ended
  if (code !== 0) throw new Error(`Cannot record: ${log}`)
}

function send(parameters: string, target: string, seconds: number): Broadcast {
  const program = [programPath('ffmpeg') ?? 'ffmpeg', ...parameters.split(' '), target]
  const child = spawn('timeout', [...LIMIT(seconds), ...program], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const log = collect(child)
  const ended = new Promise<{ code: number | null; log: string }>((resolve) => {
    child.once('close', (code) => resolve({ code, log: log() }))
  })
  return {
    live: Promise.race([mediaWentOut(child), ended.then(() => false)]),
    ended,
    async stop() {
      // To `timeout`, which hands it on.
      child.kill('SIGTERM')
      await ended
    },
  }
}

/** True when a viewer gets audio and video from `url`. */
export async function canPlay(url: string): Promise<boolean> {
  const parameters = [
    '-v',
    'error',
    '-rw_timeout',
    '2000000',
    '-analyzeduration',
    '1000000',
    '-show_entries',
    'stream=codec_type',
    url,
  ]
  const child = spawn(
    'timeout',
    ['-k', '2', '8', programPath('ffprobe') ?? 'ffprobe', ...parameters],
    {
      stdio: ['ignore', 'pipe', 'ignore'],
    },
  )
  let out = ''
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString()
  })
  await new Promise((resolve) => child.once('close', resolve))
  return out.includes('codec_type=video') && out.includes('codec_type=audio')
}

function mediaWentOut(child: ChildProcess): Promise<boolean> {
  return new Promise((resolve) => {
    let text = ''
    child.stdout?.on('data', (chunk: Buffer) => {
      text = (text + chunk.toString()).slice(-2000)
      if (/out_time_us=[1-9]/.test(text)) resolve(true)
    })
  })
}

function collect(child: ChildProcess): () => string {
  let log = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    log = (log + chunk.toString()).slice(-8000)
  })
  return () => log
}
