/** A subject that has moved in keeps what it came with until everybody has: nothing is changed by those who knew the log before. */
import { expect, it } from 'vitest'
import { LivegateError } from '../../src/core/errors.ts'
import type { MoveHeader, MoveLine } from '../../src/core/move/lines.ts'
import { epochMs } from '../../src/core/time.ts'
import { ask, NOW, opened } from '../support/gate.ts'
import fileText from '../vectors/move/deployment.jsonl?raw'
import { aWorld } from './subject-world.ts'

const [first, ...lines] = fileText
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as MoveLine & { readonly header: MoveHeader })
const logs = first === undefined ? [] : [first.header]
const moved = lines.find((line) => 'subject' in line) as Extract<MoveLine, { subject: object }>
const { subject } = moved.subject

it('facts are refused while the log is shut, and the same line may come again', async () => {
  const world = aWorld()
  // This isolate knows that the log is ready, as it was before anything moved in.
  await world.ask(subject, (host) => host.view(subject))
  const bring = () => world.ask(subject, async (host) => host.moveIn({ logs, lines: [moved] }))
  await bring()
  world.around = async (step, call) => {
    if (step !== 'ready') return call()
    throw new LivegateError('log_unavailable', 'Cannot log: a deployment is moving in')
  }
  const put = () =>
    world.ask(subject, (host) => host.putFacts(subject, { country: 'NL' } as never, NOW))
  await expect(put()).rejects.toMatchObject({ code: 'log_unavailable' })
  expect(await bring()).toBeNull()
})

it('whoever waits for a turn while the subject moves in decides on what came, in the same life of the object', async () => {
  const world = aWorld()
  const { seq: _seq, ...state } = moved.subject
  const facts = { age_band: { value: 'adult', as_of: NOW } } as never
  const bare = { head: null, head_place: null, pseudonym: null, last_at: null, strikes: 0 }
  const line = { subject: { ...state, ...bare, seq: 0, facts, broadcasts: [], refusals: [] } }
  let shut = (): void => {}
  const refused = new Promise<never>((_, reject) => {
    shut = () => reject(new LivegateError('log_unavailable', 'Cannot log: a deployment moves in'))
  })
  world.around = (step, call) => (step === 'append' ? (refused as never) : call())
  const first = world.ask(subject, (host) => host.decide(ask(subject)))
  const second = world.ask(subject, (host) => host.decide(ask(subject)))
  const failed = expect(first).rejects.toMatchObject({ code: 'log_unavailable' })
  while (!world.calls.has('append')) await world.ask(subject, async () => {})
  await world.ask(subject, async (host) => host.moveIn({ logs, lines: [line as never] }))
  world.around = (_step, call) => call()
  shut()
  await failed
  const { decision, openings } = await second
  const told = await world.ask(subject, (host) => host.view(subject))
  expect([told.facts.age_band?.value, decision.outcome]).toEqual(['adult', 'allow'])
  expect(JSON.stringify(opened(openings, 'facts'))).toContain('"age_band":"adult"')
  expect(world.log.entries.filter((entry) => 'record' in entry)).toHaveLength(1)
})

it('facts stored here before stay where they are newer, field by field, however often the line comes', async () => {
  const world = aWorld()
  const line = {
    subject: {
      ...moved.subject,
      facts: {
        followers: { value: 1, as_of: NOW },
        age_band: { value: 'teen', as_of: NOW },
        verified: { value: true, as_of: NOW },
      },
    },
  }
  const put = (facts: object, ms: number) =>
    world.ask(subject, (host) => host.patchFacts(subject, facts, epochMs(NOW + ms)))
  await put({ followers: 2, labels: ['x'] }, 1)
  await put({ age_band: 'adult' }, -1)
  for (let i = 0; i < 2; i++) {
    await world.ask(subject, async (host) => host.moveIn({ logs, lines: [line as never] }))
    const { facts } = await world.ask(subject, (host) => host.view(subject))
    expect(facts).toEqual({
      followers: { value: 2, as_of: NOW + 1 },
      age_band: { value: 'teen', as_of: NOW },
      verified: { value: true, as_of: NOW },
      labels: { value: ['x'], as_of: NOW + 1 },
    })
    world.wake(subject)
  }
  expect((await world.ask(subject, (host) => host.decide(ask(subject)))).outcome).toBe('allow')
})
