/**
 * What every host owes a log that has witnesses: cosignatures behind the rounds, a quorum before `checkpoint.witnessed`,
 * a name for everything that goes wrong, and an end when a witness has seen what is not here.
 */
import { expect, it } from 'vitest'
import { verifyEd25519 } from '../../src/adapters/sqlite/witness-ed25519.ts'
import type { WitnessSettings, WitnessStatus } from '../../src/adapters/sqlite/witnesses.ts'
import { parseCheckpoint } from '../../src/core/tlog/checkpoint.ts'
import { parseNote } from '../../src/core/tlog/note.ts'
import { parseAskedPolicy } from '../../src/core/tlog/witness.ts'
import { type Quorum, quorumOf } from '../../src/core/tlog/witness-policy.ts'
import type { GateEvent } from '../../src/ports.ts'
import { must } from '../core/tlog/support.ts'
import { createTestWitness, type Mood, type TestWitness } from '../support/witness.ts'

/** A log of one host. */
export interface WitnessedLog {
  /** Appends so many entries and runs a round; does not wait for witnesses. */
  grow(count: number): Promise<void>
  /** Resolves when nobody is being asked. */
  settled(): Promise<void>
  checkpoint(): Promise<string>
  witnessed(): Promise<string | null>
  status(): Promise<{ readonly halted: string | null; readonly witnesses: WitnessStatus | null }>
  /** Dropped without an end, as in a crash, and opened again over the same storage. */
  crash(): Promise<WitnessedLog>
  close(): Promise<void>
}

export interface WitnessHost {
  /** Runs a whole test where its storage may be touched. */
  inside(work: () => Promise<void>): Promise<void>
  /** After a crash everybody is asked again about what is published, though all have cosigned it. */
  readonly asks_again: boolean
  /** A new log with some entries, published; with the witnesses of `settings`. */
  open(settings: (vkey: string) => Promise<Given>): Promise<WitnessedLog>
}

export interface Given {
  readonly settings: WitnessSettings
  readonly observe: (event: GateEvent) => void
}

/** Makes test witnesses reachable: their submission prefix, and the `fetch` to use. */
export interface Reach {
  serve(witness: TestWitness): Promise<string>
  /** Nobody answers there any more. */
  down(witness: TestWitness): Promise<void>
  /** At the same address as before. */
  up(witness: TestWitness): Promise<void>
  readonly fetch: WitnessSettings['fetch']
  end(): Promise<void>
}

interface World {
  readonly log: WitnessedLog
  readonly witnesses: readonly TestWitness[]
  readonly reach: Reach
  readonly faults: string[]
  /** Timers that are set: each fires when told to. */
  readonly clock: ManualTimers
  quorum(): Promise<Quorum | null>
  /** Lets every timer go off, and waits for what it begins. */
  retry(log?: WitnessedLog): Promise<void>
}

interface ManualTimers {
  at: number
  readonly waiting: Set<() => void>
}

const BUDGET_MS = 250

async function world(
  host: WitnessHost,
  newReach: () => Promise<Reach>,
  options: {
    readonly count?: number
    readonly quorum?: string
    readonly prepare?: (w: readonly TestWitness[]) => void
  } = {},
): Promise<World> {
  const { count = 3, quorum = '2' } = options
  const reach = await newReach()
  const clock: ManualTimers = { at: Date.now(), waiting: new Set() }
  const faults: string[] = []
  const witnesses: TestWitness[] = []
  let text = ''
  const log = await host.open(async (vkey) => {
    const lines: string[] = []
    for (let i = 1; i <= count; i++) {
      const witness = createTestWitness({
        ...{ name: `w${i}.example/witness`, seed: i, logs: [vkey], now: () => clock.at },
      })
      witnesses.push(witness)
      lines.push(`witness w${i} ${witness.vkey} ${await reach.serve(witness)}`)
    }
    options.prepare?.(witnesses)
    const names = witnesses.map((_, i) => `w${i + 1}`).join(' ')
    text = `${lines.join('\n')}\ngroup all-of-them ${quorum} ${names}\nquorum all-of-them\n`
    return {
      settings: {
        policy: must(parseAskedPolicy(text)),
        fetch: reach.fetch,
        verifyEd25519,
        clock: { now: () => clock.at as ReturnType<WitnessSettings['clock']['now']> },
        // Budgets run out in real time; pauses between visits end when a test says so.
        after(delay_ms, fire) {
          if (delay_ms <= BUDGET_MS) {
            const timer = setTimeout(fire, delay_ms)
            return () => clearTimeout(timer)
          }
          clock.waiting.add(fire)
          return () => clock.waiting.delete(fire)
        },
        jitter: () => 1,
        budgetMs: BUDGET_MS,
      },
      observe(event) {
        if (event.type === 'witness_failed') faults.push(`${event.witness} ${event.fault}`)
      },
    }
  })
  const policy = must(parseAskedPolicy(text))
  await log.settled()
  return {
    ...{ log, witnesses, reach, faults, clock },
    async quorum() {
      const note = await log.witnessed()
      return note === null ? null : must(await quorumOf(note, policy, verifyEd25519))
    },
    async retry(other = log) {
      clock.at += 600_000
      for (const fire of [...clock.waiting]) {
        clock.waiting.delete(fire)
        fire()
      }
      await other.settled()
    },
  }
}

const sizeOf = (note: string): number => must(parseCheckpoint(must(parseNote(note)).body)).size

/** Declares the suite; call inside `describe`. */
export function witnessContract(host: WitnessHost, newReach: () => Promise<Reach>): void {
  const inWorld =
    (work: (world: World) => Promise<void>, options: Parameters<typeof world>[2] = {}) =>
    (): Promise<void> =>
      host.inside(async () => {
        const made = await world(host, newReach, options)
        try {
          await work(made)
        } finally {
          await made.log.close()
          await made.reach.end()
        }
      })

  it(
    'has every checkpoint cosigned by everybody, proven from the size each acknowledged',
    inWorld(async ({ log, witnesses, quorum, faults }) => {
      for (const count of [1, 300, 2]) {
        await log.grow(count)
        await log.settled()
        const [note, plain] = [await log.witnessed(), await log.checkpoint()]
        expect(sizeOf(note ?? '')).toBe(sizeOf(plain))
        expect(note?.startsWith(plain)).toBe(true)
        expect(await quorum()).toMatchObject({ met: true, missing: [] })
      }
      expect(faults).toEqual([])
      for (const { asked } of witnesses) {
        expect(asked).toHaveLength(4)
        expect(asked.every((line) => line.endsWith(' 200'))).toBe(true)
        for (const [i, line] of asked.entries())
          expect(line.split(' ')[1]).toBe(i === 0 ? '0' : asked[i - 1]?.split(' ')[3]?.slice(0, -1))
      }
      expect((await log.status()).witnesses).toMatchObject({ lag_s: 0, errors: [] })
    }),
  )

  it(
    'publishes with two of three while one is down, and with the third once it is back, though nothing is appended',
    inWorld(async (made) => {
      const { log, witnesses, reach } = made
      const [, , third] = witnesses
      if (third === undefined) throw new Error('three were made')
      await reach.down(third)
      await log.grow(2)
      await log.settled()
      expect(await made.quorum()).toMatchObject({ met: true, missing: ['w3'] })
      expect(made.faults).toEqual(['w3 unreachable'])
      expect((await log.status()).witnesses).toMatchObject({
        ...{ lag_s: 0, errors: [{ witness: 'w3', fault: 'unreachable', count: 1 }] },
      })
      await reach.up(third)
      await made.retry()
      expect(await made.quorum()).toMatchObject({ met: true, missing: [] })
    }),
  )

  it(
    'publishes no witnessed checkpoint below the quorum, says how late it is, and goes on without',
    inWorld(async (made) => {
      const { log, witnesses, clock } = made
      const before = await log.witnessed()
      for (const witness of witnesses.slice(1)) witness.moods.push('hang', 'hang')
      await log.grow(3)
      await log.settled()
      expect(sizeOf(await log.checkpoint())).toBeGreaterThan(sizeOf(before ?? ''))
      expect(await log.witnessed()).toBe(before)
      expect(made.faults.sort()).toEqual(['w2 timed_out', 'w3 timed_out'])
      clock.at += 90_000
      expect((await log.status()).witnesses?.lag_s).toBeGreaterThanOrEqual(90)
      expect((await log.status()).halted).toBeNull()
      for (const witness of witnesses) witness.moods.length = 0
      await made.retry()
      expect(await made.quorum()).toMatchObject({ met: true, missing: [] })
      expect((await log.status()).witnesses?.lag_s).toBe(0)
    }),
  )

  it(
    'does not wait for a witness that hangs: rounds go on, and the newest checkpoint is next',
    inWorld(async (made) => {
      const { log, witnesses } = made
      for (const witness of witnesses) witness.moods.push('hang')
      await log.grow(1)
      const sizes: number[] = []
      for (let i = 0; i < 3; i++) {
        await log.grow(1)
        sizes.push(sizeOf(await log.checkpoint()))
      }
      expect(sizes[2]).toBe((sizes[0] ?? 0) + 2)
      await log.settled()
      await made.retry()
      expect(sizeOf((await log.witnessed()) ?? '')).toBe(sizes[2])
      // The ones in between were never asked about.
      for (const { asked } of witnesses) expect(asked).toHaveLength(3)
    }),
  )

  const LIES: readonly (readonly [Mood, string])[] = [
    ['bad_signature', 'cosignature_invalid'],
    ['other_body', 'cosignature_invalid'],
    ['other_key', 'cosignature_missing'],
    ['no_line', 'cosignature_missing'],
    ['yesterday', 'cosignature_time'],
    ['tomorrow', 'cosignature_time'],
    ['html', 'not_a_witness'],
    ['redirect', 'redirected'],
    ['huge', 'answer_too_large'],
    ['busy', 'busy'],
    ['teapot', 'unexpected_status'],
    ['conflict_without_size', 'conflict_unexplained'],
    ['refuse_proof', 'proof_refused'],
    ['fail', 'unreachable'],
  ]
  for (const [mood, fault] of LIES)
    it(
      `names what is wrong and counts nobody who answers with ${mood}`,
      inWorld(async (made) => {
        const { log, witnesses } = made
        for (const witness of witnesses.slice(0, 2)) witness.moods.push(mood)
        const before = await log.witnessed()
        await log.grow(2)
        await log.settled()
        expect(made.faults.sort()).toEqual([`w1 ${fault}`, `w2 ${fault}`])
        expect(await log.witnessed()).toBe(before)
        expect((await log.status()).halted).toBeNull()
        await made.retry()
        expect(await made.quorum()).toMatchObject({ met: true, missing: [] })
      }),
    )

  it(
    'takes the size a witness says it has, older or never told, and proves from there',
    inWorld(async (made) => {
      const { log, witnesses } = made
      const [first, second] = witnesses
      const origin = [...(first?.seen.keys() ?? [])][0] ?? ''
      const old = first?.seen.get(origin)
      await log.grow(5)
      await log.settled()
      // The first is restored from a backup, the second has lost everything.
      if (old !== undefined) first?.seen.set(origin, old)
      second?.seen.clear()
      await log.grow(5)
      await log.settled()
      expect(await made.quorum()).toMatchObject({ met: true, missing: [] })
      expect(made.faults).toEqual([])
      expect(first?.asked.slice(-2).map((line) => line.split(': ')[1])).toEqual(['409', '200'])
      expect(second?.asked.slice(-1)[0]).toMatch(/^old 0 -> \d+: 200$/)
    }),
  )

  it(
    'halts, read-only, when a witness has seen more than was signed here',
    inWorld(async (made) => {
      const { log, witnesses } = made
      witnesses[0]?.moods.push('says_more')
      await log.grow(2)
      await log.settled()
      const { halted } = await log.status()
      expect(halted).toMatch(
        /^the witness w1 says that it has seen 1000000 entries, but \d+ are signed here$/,
      )
      await expect(log.grow(1)).rejects.toMatchObject({ code: 'halted' })
      // Whoever begins anew asks again, and believes an answer that is as it should be.
      const asked = witnesses[0]?.asked.length ?? 0
      const again = await log.crash()
      await again.settled()
      expect(witnesses[0]?.asked.length).toBeGreaterThan(asked)
      expect((await again.status()).halted).toBeNull()
      await again.grow(1)
      await again.settled()
      expect(sizeOf((await again.witnessed()) ?? '')).toBe(sizeOf(await again.checkpoint()))
      expect(sizeOf(await log.checkpoint())).toBeGreaterThan(0)
    }),
  )

  it(
    'begins from what it has written down after a crash',
    inWorld(async (made) => {
      const { log, witnesses } = made
      await log.grow(4)
      await log.settled()
      const size = sizeOf(await log.checkpoint())
      const again = await log.crash()
      await again.settled()
      if (host.asks_again)
        for (const { asked } of witnesses) expect(asked.at(-1)).toBe(`old ${size} -> ${size}: 200`)
      await again.grow(2)
      await again.settled()
      for (const { asked } of witnesses)
        expect(asked.at(-1)).toBe(`old ${size} -> ${size + 2}: 200`)
      expect(made.faults).toEqual([])
    }),
  )

  const STEPS: readonly (readonly [Mood, string])[] = [
    ['fail', 'unreachable'],
    ['lose_answer', 'unreachable'],
    ['hang', 'timed_out'],
    ['do_and_hang', 'timed_out'],
  ]
  for (const [mood, fault] of STEPS)
    for (const times of [1, 2])
      for (const crash of [false, true])
        it(
          `comes to the quorum after add-checkpoint ends with ${mood} ${times} times${crash ? ', and a crash' : ''}`,
          inWorld(async (made) => {
            const { log, witnesses } = made
            await log.grow(3)
            for (let time = 0; time < times; time++) {
              await log.settled()
              for (const witness of witnesses) witness.moods.push(mood)
              if (time === 0) await log.grow(3)
              else await made.retry()
            }
            await log.settled()
            expect([...made.faults].sort()).toEqual(
              ['w1', 'w2', 'w3'].flatMap((name) =>
                Array.from({ length: times }, () => `${name} ${fault}`),
              ),
            )
            const last = crash ? await log.crash() : log
            await made.retry(last)
            expect(sizeOf((await last.witnessed()) ?? '')).toBe(sizeOf(await last.checkpoint()))
            expect((await last.status()).halted).toBeNull()
          }),
        )
}
