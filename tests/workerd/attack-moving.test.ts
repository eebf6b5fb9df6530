/** A subject that has moved in keeps what it came with until everybody has: nothing is changed by those who knew the log before. */
import { expect, it } from 'vitest'
import { LivegateError } from '../../src/core/errors.ts'
import type { MoveHeader, MoveLine } from '../../src/core/move/lines.ts'
import { NOW } from '../support/gate.ts'
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
