/**
 * A list of a server against the open broadcasts: each case by name, then what holds for any picture.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type Action,
  type KnownBroadcast,
  type Listed,
  type Picture,
  reconcile,
} from '../../../src/adapters/media/reconcile.ts'
import { type EpochMs, epochMs } from '../../../src/core/time.ts'

const NOW = epochMs(1_790_000_000_000)
const TIMEOUT = 10_000

const ago = (ms: number): EpochMs => epochMs(NOW - ms)

function open(changes: Partial<KnownBroadcast> = {}): KnownBroadcast {
  return {
    id: 'd1',
    stream: 'sk_1',
    session: '41',
    opened_at: ago(60_000),
    cutting: null,
    ...changes,
  }
}

function cut(since: EpochMs): NonNullable<KnownBroadcast['cutting']> {
  return { since, until: epochMs(since + 300_000), order: 'r1', cause: 'strike' }
}

function listed(changes: Partial<Listed> = {}): Listed {
  return {
    session: '41',
    handle: 'app=live',
    app: 'live',
    name: 'live_1',
    stream: 'sk_1',
    ...changes,
  }
}

function picture(changes: Partial<Picture>): Picture {
  return {
    asked_at: NOW,
    listed: [],
    open: [],
    busy: () => false,
    heard: () => false,
    missed: new Set(),
    start_timeout_ms: TIMEOUT,
    ...changes,
  }
}

const short = (action: Action): string =>
  action.type === 'decide_ungated'
    ? `decide ${action.listed.session}`
    : `${action.type} ${action.broadcast.id}`

interface Case {
  readonly name: string
  readonly see: Partial<Picture>
  readonly does: readonly string[]
  readonly missed?: readonly string[]
}

const CASES: readonly Case[] = [
  { name: 'nothing listed and nothing open is nothing to do', see: {}, does: [] },
  {
    name: 'what runs under its lease is kept',
    see: { listed: [listed()], open: [open()] },
    does: ['keep d1'],
  },
  {
    name: 'a publisher without a lease is decided',
    see: { listed: [listed()] },
    does: ['decide 41'],
  },
  {
    name: 'a publisher of whom a hook speaks just now is left alone, lease or not',
    see: {
      listed: [listed(), listed({ session: '42' })],
      open: [open()],
      busy: () => true,
    },
    does: [],
  },
  {
    name: 'a lease that one list lacks is not lost yet',
    see: { open: [open()] },
    does: [],
    missed: ['d1'],
  },
  {
    name: 'a lease that a second list lacks is lost',
    see: { open: [open()], missed: new Set(['d1']) },
    does: ['end_lost d1'],
  },
  {
    name: 'a start that may still be on its way is not even missed',
    see: { open: [open({ opened_at: ago(TIMEOUT) })] },
    does: [],
  },
  {
    name: 'a start that may still be on its way is not lost, whatever was missed before',
    see: { open: [open({ opened_at: ago(TIMEOUT) })], missed: new Set(['d1']) },
    does: [],
  },
  {
    name: 'a number that now belongs to another stream: the old broadcast is lost at once, the new publisher decided after it',
    see: { listed: [listed({ stream: 'sk_2', name: 'live_2' })], open: [open()] },
    does: ['end_lost d1', 'decide 41'],
  },
  {
    name: 'a number under a name that is nobody’s is not the broadcast of that number',
    see: { listed: [listed({ stream: '', name: 'side-door' })], open: [open()] },
    does: ['end_lost d1', 'decide 41'],
  },
  {
    name: 'a name that does not tell whose it is leaves the number to speak',
    see: { listed: [listed({ stream: null, name: null })], open: [open()] },
    does: ['keep d1'],
  },
  {
    name: 'what is being cut and still runs is cut again',
    see: { listed: [listed()], open: [open({ cutting: cut(ago(1)) })] },
    does: ['cut d1'],
  },
  {
    name: 'absence confirms no cut before the publisher could have started',
    see: { open: [open({ cutting: cut(ago(TIMEOUT + 5_000)) })] },
    does: [],
  },
  {
    name: 'absence later than the start timeout and five seconds confirms a cut',
    see: { open: [open({ cutting: cut(ago(TIMEOUT + 5_001)) })] },
    does: ['confirm_absent d1'],
  },
  {
    name: 'a number that belongs to another stream confirms the cut of the old one',
    see: { listed: [listed({ stream: 'sk_2' })], open: [open({ cutting: cut(ago(1)) })] },
    does: ['confirm_absent d1', 'decide 41'],
  },
  {
    name: 'two publishers of one stream are told apart by their numbers',
    see: { listed: [listed(), listed({ session: '42' })], open: [open()] },
    does: ['keep d1', 'decide 42'],
  },
  {
    name: 'what no list shows and the server asks about itself runs: kept, however often it was missed',
    see: { open: [open()], missed: new Set(['d1']), heard: () => true },
    does: ['keep d1'],
  },
  {
    name: 'absence confirms no cut of what the server still asks about',
    see: { open: [open({ cutting: cut(ago(60_000)) })], heard: () => true },
    does: [],
  },
  {
    name: 'a number that belongs to another stream is told by the list, not by questions',
    see: { listed: [listed({ stream: 'sk_2' })], open: [open()], heard: () => true },
    does: ['end_lost d1', 'decide 41'],
  },
  {
    name: 'a broadcast without a session is none of the server’s',
    see: {
      open: [{ id: 'd1', stream: 'sk_1', opened_at: ago(60_000), cutting: null }],
      missed: new Set(['d1']),
    },
    does: [],
  },
]

describe('a picture of a server', () => {
  for (const { name, see, does, missed = [] } of CASES)
    it(name, () => {
      const result = reconcile(picture(see))
      expect(result.actions.map(short)).toEqual(does)
      expect([...result.missed]).toEqual(missed)
    })

  it('a cut uses the handle of the list, which knows where the connection is now', () => {
    const see = {
      listed: [listed({ handle: 'srv=1&app=live' })],
      open: [open({ cutting: cut(NOW) })],
    }
    expect(reconcile(picture(see)).actions).toMatchObject([{ handle: 'srv=1&app=live' }])
  })
})

const session = fc.integer({ min: 1, max: 6 }).map(String)
const stream = fc.constantFrom('sk_1', 'sk_2', 'sk_3')
const instant = fc.integer({ min: 0, max: 40_000 }).map(ago)
const opens = fc.uniqueArray(
  fc.record({
    id: fc.nat(99).map((n) => `d${n}`),
    stream,
    session,
    opened_at: instant,
    cutting: fc.option(instant.map(cut)),
  }),
  { selector: ({ id }) => id, maxLength: 6 },
)
const lists = fc.uniqueArray(
  fc
    .record({ session, stream: fc.option(fc.constantFrom('sk_1', 'sk_2', 'sk_3', '')) })
    .map((one) => listed(one)),
  { selector: (one) => one.session, maxLength: 6 },
)
const pictures = fc
  .record({
    listed: lists,
    open: opens,
    busy: fc.uniqueArray(session),
    heard: fc.uniqueArray(session),
    missed: fc.array(fc.nat(99)),
  })
  .map(({ busy, heard, missed, ...rest }) =>
    picture({
      ...rest,
      busy: (one) => busy.includes(one),
      heard: (one) => heard.includes(one),
      missed: new Set(missed.map((n) => `d${n}`)),
    }),
  )

describe('any picture', () => {
  it('every publisher no hook speaks of is kept, cut or decided: none runs unseen (G11)', () => {
    fc.assert(
      fc.property(pictures, (see) => {
        const { actions } = reconcile(see)
        const handled = new Set(
          actions.flatMap((action) =>
            action.type === 'decide_ungated'
              ? [action.listed.session]
              : action.type === 'keep' || action.type === 'cut'
                ? [action.broadcast.session]
                : [],
          ),
        )
        return see.listed.every((one) => see.busy(one.session) || handled.has(one.session))
      }),
    )
  })

  it('nothing ends that the list shows under its number and stream, that is young, or that was not missed before', () => {
    fc.assert(
      fc.property(pictures, (see) => {
        for (const action of reconcile(see).actions) {
          if (action.type !== 'end_lost' && action.type !== 'confirm_absent') continue
          const { broadcast } = action
          const there = see.listed.find((one) => one.session === broadcast.session)
          if (there?.stream === null || there?.stream === broadcast.stream) return false
          if (see.busy(broadcast.session ?? '')) return false
          if (there !== undefined) continue
          if (see.heard(broadcast.session ?? '')) return false
          const from = broadcast.cutting === null ? broadcast.opened_at : broadcast.cutting.since
          if (see.asked_at <= from + TIMEOUT) return false
          if (action.type === 'end_lost' && !see.missed.has(broadcast.id)) return false
        }
        return true
      }),
    )
  })

  it('a broadcast gets at most one action, and what is being cut is never kept or ended as lost', () => {
    fc.assert(
      fc.property(pictures, (see) => {
        const { actions, missed } = reconcile(see)
        const ids = actions.flatMap((action) =>
          action.type === 'decide_ungated' ? [] : [action.broadcast.id],
        )
        const wrong = actions.some(
          (action) =>
            (action.type === 'keep' || action.type === 'end_lost') &&
            action.broadcast.cutting !== null,
        )
        return new Set(ids).size === ids.length && !wrong && ids.every((id) => !missed.has(id))
      }),
    )
  })
})
