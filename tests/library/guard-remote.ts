// guard-remote.ts: a route of your application behind a gate elsewhere
import { Hono } from 'hono'
import { type LiveGateVariables, liveGate } from '../../src/index.ts'

export function createSite(gate: {
  readonly url: string
  readonly key: string
  readonly fetch?: typeof fetch
}): Hono<{ Variables: LiveGateVariables }> {
  const site = new Hono<{ Variables: LiveGateVariables }>()
  const guard = liveGate({
    ...gate,
    fail: 'closed', // an unreachable gate lets nobody through
    question: (c) => ({
      subject: c.req.header('x-user') ?? '', // your own login comes first
      stream: { id: c.req.param('stream') ?? '', audience: 'public' },
      supports: ['broadcast_delay', 'audience_cap'],
    }),
  })
  site.post('/live/:stream', guard, (c) => {
    const answer = c.get('livegate')
    const cap = answer?.obligations.find(({ type }) => type === 'audience_cap')
    return c.json({ live: true, viewers_at_most: cap?.viewers ?? null })
  })
  return site
}
