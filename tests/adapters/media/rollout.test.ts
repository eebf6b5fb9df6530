/** A media server that is rolled out: its hooks ask with its `enforce`, in the bytes of real servers, and a whole gate answers. */
import { describe, expect, it } from 'vitest'
import { decideLate } from '../../../src/adapters/media/late-decisions.ts'
import { nginxRtmp } from '../../../src/adapters/media/nginx-rtmp.ts'
import { aStrike, policyOf, STRIKE_RULE, useGates } from '../../support/gate.ts'
import { ALLOW, aDesk, aServer, aStreamKey, publishBody } from './desk.ts'

const gates = useGates()
const KEY = 'k7f3q9'
const PUBLISH = publishBody()

describe('a media server', () => {
  it.each(['off', 'canary 7%'])('with enforce %s asks so', async (enforce) => {
    const desk = aDesk({ servers: [aServer({ enforce })], keys: [aStreamKey(KEY)] })
    await desk.post(PUBLISH)
    expect(desk.asked).toMatchObject([{ enforce, caller: 'hook:edge-1' }])
  })

  it('without asks as ever', async () => {
    const desk = aDesk({ servers: [aServer()], keys: [aStreamKey(KEY)] })
    await desk.post(PUBLISH)
    expect(desk.asked[0]).not.toHaveProperty('enforce')
  })

  it('that is off lets a struck person publish, and on refuses them', async () => {
    const world = await gates({ policy: policyOf(STRIKE_RULE) })
    await world.gate.strike(aStrike('s1', 'u_81f'))
    const post = async (enforce: string | undefined): Promise<number> => {
      const server = enforce === undefined ? aServer() : aServer({ enforce })
      const { decide } = world.gate
      const desk = aDesk({ servers: [server], keys: [aStreamKey(KEY)], decide })
      return (await desk.post(PUBLISH)).status
    }
    expect(await post('off')).toBe(302)
    const [open] = (await world.state('u_81f')).broadcasts
    expect(open).toMatchObject({ server: 'edge-1', session: '41' })
    expect((await world.gate.strike(aStrike('s2', 'u_81f'))).revoked).toEqual([])
    expect(await post(undefined)).toBe(403)
    const { records } = await world.store.directory.searchDecisions({ limit: 10 })
    expect(records).toHaveLength(2)
  })

  it('that is off refuses an unknown key as ever', async () => {
    const desk = aDesk({ servers: [aServer({ enforce: 'off' })], keys: [] })
    expect((await desk.post(PUBLISH)).status).toBe(403)
    expect(desk.asked).toEqual([])
  })

  it('asks the same about what it finds running', async () => {
    const asked: unknown[] = []
    const decide = async (request: unknown) => {
      asked.push(request)
      return ALLOW
    }
    await decideLate(
      { decide },
      {
        ...{ server: aServer({ enforce: 'canary 7%' }), dialect: nginxRtmp, session: '1' },
        ...{ handle: 'h', cause: 'unasked', enforcement: undefined },
        whose: { subject: 'u', stream: 's' },
      },
    )
    expect(asked).toMatchObject([{ enforce: 'canary 7%', ungated: 'unasked' }])
  })
})
