// guard-local.ts: the same route with a gate in the same process
import { Hono } from 'hono'
import { type Gate, type LiveGateVariables, liveGate } from '../../src/index.ts'

export function createSite(gate: Gate): Hono<{ Variables: LiveGateVariables }> {
  const site = new Hono<{ Variables: LiveGateVariables }>()
  const guard = liveGate({
    gate,
    caller: 'my-site', // stands in every record
    question: (c) => ({ subject: c.req.header('x-user') ?? '', stream: { id: 'studio-1' } }),
  })
  site.post('/live', guard, (c) => c.json({ until: c.get('livegate')?.lease_until }))
  return site
}
