/**
 * What `media doctor` does: one made-up account goes live on the operator's own server, is refused, struck and cut.
 *
 * Each check stands on what the ones before found, so the first failure is the one to mend. The account is made for the
 * run, its strike reversed and everything of it erased at the end, whatever happened. Speaks to the gate over its API and
 * to the server as an encoder. Spec: docs/media/doctor.md. Next: doctor-delay.ts, doctor-steps.ts.
 */
import { quote } from '../session.ts'
import { examineDelay } from './doctor-delay.ts'
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
  runningOf,
  strike,
  waitFor,
} from './doctor-steps.ts'

/** Of one test stream. */
const STREAM_S = 30

/** All checks, in order. Never rejects for what a server or gate does wrong; does when the gate cannot be asked at all. */
export async function examine(ports: DoctorPorts): Promise<readonly Check[]> {
  const checks: Check[] = []
  const tell = (check: Check): boolean => {
    checks.push(check)
    ports.told(check)
    return check.result !== 'fail'
  }
  const { gate, subject } = ports
  const key = (await gate.ask('POST', '/v1/stream-keys', { subject, facts: ports.facts })) as Key
  try {
    if (tell(await checkPolicy(ports)) && tell(await checkAllow(ports, key, tell))) {
      tell(await checkEnd(ports))
      tell(await checkUnknownKey(ports))
      if (tell(await checkCut(ports, key))) tell(await checkReconnect(ports, key))
      await examineDelay(ports, tell)
    }
    tell(notChecked(ports))
  } finally {
    await cleanUp(ports, key)
  }
  return checks
}

async function checkPolicy({ gate, subject, facts }: DoctorPorts): Promise<Check> {
  const answer = (await gate.ask('POST', '/v1/explanations', { subject, facts })) as {
    readonly outcome: string
    readonly reasons: readonly { readonly rule: string }[]
  }
  const rules = answer.reasons.map(({ rule }) => quote(rule)).join(', ')
  if (answer.outcome === 'allow')
    return pass('policy', 'the policy lets the doctor’s account go live')
  return fail(
    'policy',
    `the policy answers ${answer.outcome} (${rules})`,
    'give the account facts that may go live: --facts \'{"created_at":"2020-01-01T00:00:00Z"}\'',
  )
}

async function checkAllow(
  ports: DoctorPorts,
  key: Key,
  tell: (check: Check) => boolean,
): Promise<Check> {
  const stream = ports.send(publishUrl(ports, key), STREAM_S)
  try {
    if (!(await stream.live))
      return fail(
        'allow',
        'the server refused a key that may go live',
        `look for hook_refused in the gate's log: nothing there means that ${quote(ports.server.id)} did not ask; else the secret, app or address of its hook is wrong`,
      )
    if (!(await waitFor(ports, async () => (await runningOf(ports)) === 1)))
      return fail(
        'allow',
        'media flows and the gate has not been asked',
        'the server admits by itself: configure its publish hook, or its proxy fails open',
      )
    if (ports.server.playback !== 'keep') tell(await checkName(ports, key))
  } finally {
    await stream.stop()
  }
  return pass('allow', 'asked, admitted, and media went out')
}

async function checkName(ports: DoctorPorts, key: Key): Promise<Check> {
  const name = playbackName(key)
  if (!(await ports.canPlay(`${ports.play}/${name}`)))
    return fail(
      'name',
      'nothing plays under the public name',
      'playback rename needs proxy_redirect off and an answer that reaches the server; or name viewers’ address with --play',
    )
  if (ports.server.playback === 'rename' && (await ports.canPlay(`${ports.play}/${key.key}`)))
    return fail('name', 'the stream plays under its secret key', 'the server ignores the new name')
  return pass('name', 'viewers use the public name, not the key')
}

async function checkEnd(ports: DoctorPorts): Promise<Check> {
  if (await waitFor(ports, async () => (await runningOf(ports)) === 0))
    return pass('end', 'the gate heard that it is over')
  return fail(
    'end',
    'the gate still counts a stream that has ended',
    'the server reports no end: on_publish_done, on_unpublish or the closing event is missing, and `control` does not list it',
  )
}

async function checkUnknownKey(ports: DoctorPorts): Promise<Check> {
  const nobody = { id: 'sk_0000000000000000000000', key: `nobody-${ports.subject}` }
  const stream = ports.send(publishUrl(ports, nobody), STREAM_S)
  try {
    const from = ports.elapsed()
    if (await stream.live)
      return fail(
        'unknown-key',
        'media went out with a key nobody has',
        'the publish hook is not asked, or is not heeded',
      )
    return pass(
      'unknown-key',
      `refused after ${Math.round(ports.elapsed() - from)} ms, without a picture`,
    )
  } finally {
    await stream.stop()
  }
}

async function checkCut(ports: DoctorPorts, key: Key): Promise<Check> {
  const stream = ports.send(publishUrl(ports, key), STREAM_S)
  try {
    if (!(await stream.live))
      return fail('cut', 'the second broadcast was refused', 'look at the gate’s log')
    await waitFor(ports, async () => (await runningOf(ports)) === 1)
    await strike(ports)
    const from = ports.elapsed()
    const took = (await stream.ended) - from
    if (took < CUT_WITHIN_MS) return pass('cut', `ended ${Math.round(took)} ms after the strike`)
    return fail(
      'cut',
      `a strike did not end the running stream (${Math.round(took)} ms)`,
      cutHint(ports),
    )
  } finally {
    await stream.stop()
  }
}

async function checkReconnect(ports: DoctorPorts, key: Key): Promise<Check> {
  for (let attempt = 1; attempt <= 3; attempt++) {
    const stream = ports.send(publishUrl(ports, key), STREAM_S)
    const live = await stream.live
    await stream.stop()
    if (live)
      return fail(
        'reconnect',
        'an encoder that reconnected after the cut was admitted',
        'look at the gate’s log',
      )
  }
  return pass('reconnect', 'three reconnects after the cut, all refused')
}

function notChecked({ server }: DoctorPorts): Check {
  const seen = `what happens while the gate is down (configured: ${server.when_down})`
  const hint = 'stop the gate on a test system and publish once'
  return { id: 'down', result: 'skipped', seen, hint }
}
