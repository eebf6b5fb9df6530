/** Hooks of servers that registered: who is looked for, under whose secret, and what one that leaves may still say. */
import { describe, expect, it } from 'vitest'
import type { KnownServer } from '../../../src/adapters/media/registrations.ts'
import { ServerSecret } from '../../../src/adapters/media/server-secret.ts'
import type { MediaServer } from '../../../src/adapters/media/servers-file.ts'
import { aDesk, aServer, eventBody, publishBody } from './desk.ts'

const [FIRST, SECOND] = ['c2VjcmV0IG9mIHRoZSBmaXJzdA==', 'c2VjcmV0IG9mIHRoZSBzZWNvbmQ=']
const TEMPLATES: readonly MediaServer[] = [
  aServer({ id: 'first', secret: new ServerSecret(FIRST) }),
  aServer({ id: 'second', secret: new ServerSecret(SECOND) }),
]

function aScene(found: Partial<KnownServer> | Error | null = {}) {
  const lookedFor: string[] = []
  const desk = aDesk({
    registered: {
      templates: TEMPLATES,
      async find(id, proven) {
        lookedFor.push(`${id} by ${proven?.id}`)
        if (found instanceof Error) throw found
        if (found === null) return null
        const server = { ...TEMPLATES[0], ...aServer({ id }), template: 'first' }
        return { server: { ...server, secret: new ServerSecret(FIRST) }, leaving: false, ...found }
      },
    },
  })
  return { ...desk, lookedFor }
}

describe('a hook of an id in no file', () => {
  it('of somebody without the secret of a template is looked for nowhere', async () => {
    const { post, lookedFor, events } = aScene()
    for (const secret of [null, 'c2VjcmV0IG9mIG5vYm9keQ=='])
      expect((await post(publishBody(), { server: 'origin-7', secret })).status).toBe(401)
    const kind = await post(publishBody(), { server: 'origin-7', secret: FIRST, kind: 'srs' })
    expect(kind.status).toBe(401)
    expect(lookedFor).toEqual([])
    expect(events).toHaveLength(3)
    expect(events[0]).toEqual({ type: 'hook_refused', server: 'unknown', why: 'unauthenticated' })
  })

  it('is answered once its template is known by the secret', async () => {
    const { post, lookedFor } = aScene()
    expect((await post(publishBody(), { server: 'origin-7', secret: FIRST })).status).toBe(302)
    expect(lookedFor).toEqual(['origin-7 by first'])
  })

  it('with the secret of another template is a stranger’s', async () => {
    const { post, lookedFor } = aScene()
    expect((await post(publishBody(), { server: 'origin-7', secret: SECOND })).status).toBe(401)
    expect(lookedFor).toEqual(['origin-7 by second'])
  })

  it('that nobody has registered, or nobody can say, is a stranger’s', async () => {
    for (const found of [null, new Error('away')]) {
      const { post, lookedFor } = aScene(found)
      expect((await post(publishBody(), { server: 'origin-7', secret: FIRST })).status).toBe(401)
      expect(lookedFor).toHaveLength(1)
    }
  })

  it('of a server of the file is never looked for, whatever secret it shows', async () => {
    const { post, lookedFor } = aScene()
    expect((await post(publishBody(), { server: 'edge-1', secret: FIRST })).status).toBe(401)
    expect((await post(publishBody(), { server: 'edge-1' })).status).toBe(302)
    expect(lookedFor).toEqual([])
  })
})

describe('a server that leaves', () => {
  const origin = { server: 'origin-7', secret: FIRST }

  it('is refused a start without asking anybody, by its template’s name in metrics', async () => {
    const { post, asked, events, ended } = aScene({ leaving: true })
    const answer = await post(publishBody(), origin)
    expect([answer.status, await answer.text()]).toEqual([503, 'refused leaving\n'])
    expect(asked).toEqual([])
    expect(events).toEqual([
      { type: 'hook_refused', server: 'origin-7', template: 'first', why: 'leaving' },
    ])
    // Who asks to start has ended what ran under that connection.
    expect(ended).toEqual(['origin-7/41'])
  })

  it('tells its ends, and what it asks about goes on', async () => {
    const { post, ended } = aScene({ leaving: true })
    expect((await post(eventBody('update_publish'), origin)).status).toBe(200)
    expect((await post(eventBody('publish_done'), origin)).status).toBe(200)
    expect(ended).toEqual(['origin-7/41'])
  })
})
