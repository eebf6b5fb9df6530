/**
 * Keys of a Node host: exchanged while it runs, and gone on with after it was cut short.
 *
 * Here nobody else signs, so a record key is exchanged in one go: its successor signs at once, and the old one ends when
 * what it signed before is in the log. Checkpoint keys overlap until the operator says that auditors know the new one.
 */
import { LivegateError } from '../../core/errors.ts'
import { keyDraft } from '../../core/record/drafts.ts'
import { keysInForce } from '../../core/record/key-history.ts'
import type { After } from '../../gate/context.ts'
import { createKeyDesk, type KeyDesk } from '../../gate/key-desk.ts'
import { createKeyRotation, type TakeKeyStep } from '../../gate/key-rotation.ts'
import type { Clock } from '../../ports.ts'
import type { Scribe } from './bootstrap.ts'
import type { NodeStore } from './store.ts'

export interface NodeKeysParts {
  readonly store: Pick<
    NodeStore,
    'origin' | 'keys' | 'keyFiles' | 'signer' | 'signing' | 'log' | 'status'
  >
  readonly scribe: Pick<Scribe, 'append'>
  readonly clock: Clock
  readonly after: After
}

export interface NodeKeys {
  readonly desk: KeyDesk
  /** Goes on with what a crash interrupted. Before anything is decided. */
  resume(): Promise<void>
}

/** More than signing a record and handing it to the writer takes; one that comes later is refused by the log. */
const SETTLE_MS = 250

export function createNodeKeys({ store, scribe, clock, after }: NodeKeysParts): NodeKeys {
  const { origin, signing, keys } = store
  const rotate = createKeyRotation({
    ...{ holder: store.keyFiles, signing, history: keys, size: store.log.size },
    append: (claims) => scribe.append([keyDraft(claims)], [store.signer.kid]),
    settle: () => new Promise((resolve) => void after(SETTLE_MS, resolve)),
    now_s: () => Math.floor(clock.now() / 1000),
    least_overlap_s: 0,
  })
  const take: TakeKeyStep = async (wish) => {
    const { halted } = store.status()
    // Before a key is made that nothing can be done with, on a disk that may be full.
    if (halted !== null)
      throw new LivegateError('halted', `Cannot change keys: the log has halted (${halted})`)
    const changed = await rotate(wish)
    if (wish.step !== 'begin' || wish.use !== 'record') return changed
    return (await rotate({ step: 'finish', use: 'record' })) || changed
  }
  return {
    desk: createKeyDesk([
      {
        ...{ origin, take },
        keys: () => ({
          keys: keys(),
          signing: [...signing.kids('record'), ...signing.kids('checkpoint')],
        }),
      },
    ]),
    async resume() {
      if (store.status().halted !== null) return
      if (keysInForce(keys(), 'record').length > 1) await rotate({ step: 'finish', use: 'record' })
      await store.keyFiles.tidy('record', keys())
      await store.keyFiles.tidy('checkpoint', keys())
    },
  }
}
