/**
 * The doctor's look at a tape delay: a second made-up account, one that the policy shows late, goes live and is cut.
 *
 * Two viewers wait from before it begins: one where its public name would be seen at once, one at the delayed application. What
 * they see, and when, is all that counts: nothing may be seen sooner than the rule asks, and nothing that was held back when the
 * broadcast was cut may be seen ever. Set-up: docs/media/tape.md. From: doctor.ts.
 */
import { quote } from '../session.ts'
import {
  type Check,
  CUT_WITHIN_MS,
  cleanUp,
  cutHint,
  type DoctorPorts,
  fail,
  type Key,
  pass,
  playbackName,
  publishUrl,
  strike,
  waitFor,
} from './doctor-steps.ts'
import type { TestStream, Viewer } from './ffmpeg.ts'

/** What a delayed application is given on top of the delay: ffmpeg looks at the stream, and waits for a key frame. */
const LATE_BY_MS = 15_000
/** After a cut, what was on its way to a viewer already. */
const GONE_WITHIN_MS = 1_500
/** From the first picture an encoder sends until it says so, on a busy machine. */
const NOTICED_MS = 500
/** Of the test stream, beyond all that is waited for. */
const SPARE_S = 30

type Tell = (check: Check) => boolean

/** All about it, in order; nothing at a server without a delayed application. */
export async function examineDelay(ports: DoctorPorts, tell: Tell): Promise<void> {
  const { server, late } = ports
  if (server.delayed === null) return
  const { app, up_to_s } = server.delayed
  if (late === null) {
    const seen = `whether a broadcast is shown late (${quote(app)}, up to ${up_to_s} s) was not tried`
    const hint = 'name facts of an account that your policy shows late: --delayed-facts JSON'
    tell({ id: 'delay', result: 'skipped', seen, hint })
    return
  }
  const patient = { ...ports, subject: `${ports.subject}-late`, facts: late.facts }
  const { subject, facts } = patient
  const key = (await ports.gate.ask('POST', '/v1/stream-keys', { subject, facts })) as Key
  try {
    const seconds = await secondsOf(patient, up_to_s)
    if (typeof seconds === 'number') await examineOne(patient, key, { seconds, tell, late })
    else tell(seconds)
  } finally {
    await cleanUp(patient, key)
  }
}

/** How late the policy wants it; or that it does not. */
async function secondsOf(
  { gate, subject, facts }: DoctorPorts,
  up_to_s: number,
): Promise<number | Check> {
  const supports = [`broadcast_delay:${up_to_s}`]
  const answer = (await gate.ask('POST', '/v1/explanations', { subject, facts, supports })) as {
    readonly outcome: string
    readonly mode?: string
    readonly broadcast_delay_s?: number
  }
  const { outcome, mode, broadcast_delay_s: seconds } = answer
  if (mode === 'broadcast' && seconds !== undefined) return seconds
  const said = mode === undefined ? outcome : `${outcome} (${mode})`
  return fail(
    'delay',
    `the policy answers ${said} for the account that should be shown late`,
    'give --delayed-facts with which a rule that has `broadcast_delay` applies, and no other; a longer delay than `up_to` is the policy’s `unsupported`',
  )
}

interface Tried {
  readonly seconds: number
  readonly tell: Tell
  readonly late: NonNullable<DoctorPorts['late']>
}

async function examineOne(ports: DoctorPorts, key: Key, tried: Tried): Promise<void> {
  const { seconds, tell, late } = tried
  const name = playbackName(key)
  const whole_s =
    Math.max(seconds, ports.server.delayed?.up_to_s ?? 0) + LATE_BY_MS / 1000 + SPARE_S
  const viewers = {
    early: ports.watch(`${ports.play}/${name}`, whole_s + seconds),
    late: ports.watch(`${late.play}/${name}`, whole_s + seconds),
  }
  const stream = ports.send(publishUrl(ports, key), whole_s)
  try {
    if (tell(await checkDelay(ports, { ...tried, viewers, stream })))
      tell(await checkDelayCut(ports, { ...tried, viewers, stream }))
  } finally {
    await Promise.all([stream.stop(), viewers.early.stop(), viewers.late.stop()])
  }
}

interface Watched extends Tried {
  readonly viewers: { readonly early: Viewer; readonly late: Viewer }
  readonly stream: TestStream
}

async function checkDelay(
  ports: DoctorPorts,
  { seconds, late, viewers, stream }: Watched,
): Promise<Check> {
  if (!(await stream.live))
    return fail(
      'delay',
      'the server refused a broadcast that is to be shown late',
      'look at the gate’s log; a server that cannot be sent elsewhere by the answer has no tape delay',
    )
  const live = ports.elapsed()
  const { early, late: shown } = viewers
  const seen = (): boolean => early.first() !== null || shown.first() !== null
  const within_ms = 1000 * Math.max(seconds, late.at_least_s) + LATE_BY_MS
  await waitFor(ports, async () => seen(), within_ms)
  if (early.first() !== null)
    return fail(
      'delay',
      'a broadcast that is to be shown late is shown at once, under its public name',
      'the new name of the answer is not heeded, or the application of publishers hands on: `push`, `record` and `hls` belong into the delayed one',
    )
  const first = shown.first()
  if (first === null)
    return fail(
      'delay',
      `nothing was shown within ${seconds} s and ${LATE_BY_MS / 1000} s more`,
      'the delayed application, its program or `livegate` beside the server: try `livegate media delay` there; or name viewers’ address with --play-delayed',
    )
  if (first - live < 1000 * seconds - NOTICED_MS)
    return fail(
      'delay',
      `shown ${inSeconds(first - live)} s after it began, the rule asks for ${seconds} s`,
      'hold back by the time of arrival (`livegate media delay`), not by the timestamps of the stream',
    )
  return pass(
    'delay',
    `shown ${inSeconds(first - live)} s after it began, the rule asks for ${seconds} s`,
  )
}

async function checkDelayCut(
  ports: DoctorPorts,
  { seconds, viewers, stream, late }: Watched,
): Promise<Check> {
  await strike(ports)
  const from = ports.elapsed()
  const took = (await stream.ended) - from
  if (took >= CUT_WITHIN_MS)
    return fail(
      'delay-cut',
      `a strike did not end a broadcast that is shown late (${Math.round(took)} ms)`,
      cutHint(ports),
    )
  await ports.sleep(GONE_WITHIN_MS)
  const shown = viewers.late.bytes()
  // As long as everything that was held back would have taken.
  await ports.sleep(1000 * Math.max(seconds, late.at_least_s))
  if (viewers.late.bytes() > shown)
    return fail(
      'delay-cut',
      'what was held back when the broadcast was cut is shown all the same',
      'the program that holds it back must end with its publisher: `exec` and `setpriv --pdeathsig` of docs/media/tape.md',
    )
  return pass(
    'delay-cut',
    `ended ${Math.round(took)} ms after the strike, and nothing that was held back was shown`,
  )
}

/** Rounded down: too early by a millisecond is not in time. */
function inSeconds(ms: number): string {
  return (Math.floor(ms / 100) / 10).toFixed(1)
}
