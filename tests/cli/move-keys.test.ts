/**
 * A deployment that has exchanged its keys moves: the new log names what its predecessor says, its set of public keys has
 * the retired ones and not the revoked one, and an audit follows from the one to the other.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createNodeKeys } from '../../src/adapters/node/node-keys.ts'
import { openNodeStore } from '../../src/adapters/node/store.ts'
import type { KeyWish } from '../../src/gate/key-rotation.ts'
import { anOldHouse, happen, NEW, scribeOf } from '../support/moving.ts'
import { aTime, ISSUER } from '../support/node-gate.ts'
import { aDirectory, type Ran, run } from './a-world.ts'

interface Moved {
  readonly root: string
  readonly old_vkeys: readonly string[]
  readonly kids: readonly string[]
}

async function moved(wishes: (kids: readonly string[]) => readonly KeyWish[]): Promise<Moved> {
  const root = aDirectory()
  const time = aTime()
  const house = await anOldHouse(root, time)
  const { store } = house
  const { desk } = createNodeKeys({
    ...{ store, scribe: scribeOf(store, time), clock: time },
    after: (_, fire) => {
      setImmediate(fire)
      return () => {}
    },
  })
  await happen(house.gate, time, [{ do: 'decide', subject: 'u_1', stream: 'b_1' }])
  await desk.change({ step: 'begin', use: 'record', log: null })
  const kids = store.keys().flatMap(({ kid, use }) => (use === 'record' ? [kid] : []))
  for (const wish of wishes(kids)) await desk.change({ ...wish, log: null })
  await happen(house.gate, time, [{ do: 'decide', subject: 'u_1', stream: 'b_2' }])
  const old_vkeys = store.vkeys()
  await house.close()
  const out = ['export', '--data', 'old', '--close', '--successor', NEW, '--out', 'file']
  expect(await run(root, out)).toMatchObject({ exit: 0 })
  const pepper = join(house.dir, 'keys', 'pepper')
  const into = ['--data', 'new', '--init', '--origin', NEW, '--issuer', ISSUER, '--pepper', pepper]
  expect(await run(root, ['import', 'file', ...into])).toMatchObject({ exit: 0 })
  expect(existsSync(join(root, 'new/livegate.db'))).toBe(true)
  return { root, old_vkeys, kids }
}

async function audited({ root }: Moved, old_vkey: string | undefined): Promise<Ran> {
  const store = await openNodeStore({ dir: join(root, 'new') })
  const { vkey } = store
  await store.close()
  const [log, old] = [join(root, 'new/log'), join(root, 'old/log')]
  const before = ['--predecessor', old, '--predecessor-vkey', old_vkey ?? '']
  return run(root, ['log', 'audit', log, '--vkey', vkey, ...before])
}

async function keysOf({ root }: Moved): Promise<number> {
  const store = await openNodeStore({ dir: join(root, 'new') })
  const count = store.recordKeys().length
  await store.close()
  return count
}

test('with retired keys, while its checkpoint keys overlap', async () => {
  const deployment = await moved(() => [{ step: 'begin', use: 'checkpoint' }])
  expect(deployment.old_vkeys).toHaveLength(2)
  // Two of the old log, one of the new.
  expect(await keysOf(deployment)).toBe(3)
  for (const vkey of deployment.old_vkeys)
    expect(await audited(deployment, vkey)).toMatchObject({ exit: 0 })
})

test('with a key that was revoked', async () => {
  const deployment = await moved(([first = '']) => [{ step: 'revoke', kid: first, from: 3 }])
  expect(await keysOf(deployment)).toBe(2)
  expect(await audited(deployment, deployment.old_vkeys[0])).toMatchObject({ exit: 0 })
})
