import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ROUTE_IDS, SCOPES, type Scope } from '../../../src/adapters/http/scopes.ts'
import { LivegateError, PROBLEM_CODES } from '../../../src/core/errors.ts'
import { aFixture, type Sent } from '../../support/http.ts'
import { aStrikeBody, SAMPLES } from '../../support/http-routes.ts'

/** Long enough not to occur by chance, made of what ids and tokens are made of. */
const marker = fc
  .string({
    minLength: 12,
    maxLength: 40,
    unit: fc.constantFrom(...'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'),
  })
  .map((text) => `zq${text}`)

const anything = fc.oneof(
  fc.constant(undefined),
  fc.constant(null),
  fc.integer(),
  fc.double(),
  fc.boolean(),
  fc.string(),
  fc.array(fc.string(), { maxLength: 3 }),
  fc.dictionary(fc.constantFrom('subject', 'id', 'facts'), fc.string(), { maxKeys: 3 }),
)

/** Bodies that are nearly right and hold the marker where callers put subjects, keys and reasons. */
function bodiesWith(secret: string, junk: unknown): readonly unknown[] {
  return [
    { subject: secret, stream: junk, facts: junk },
    { subject: `${secret}\u0000`, stream: { hosts: [{ subject: secret, facts: junk }, junk] } },
    { subject: secret, facts: { linked: [secret, junk], labels: [secret, junk] }, key: junk },
    { ...aStrikeBody({ id: secret, category: junk, source: { system: secret, kind: secret } }) },
    { ...aStrikeBody({ issued_at: secret, severity: secret, weight: secret }) },
    { reason: secret, decided_by: junk },
    { facts: { linked: [secret], followers: secret }, as_of: secret },
    { subject: secret, key: `${secret} ${secret}` },
    `{"subject":"${secret}","subject":"${secret}"}`,
    `{"subject":"${secret}"`,
    `"${secret}"`,
    secret,
  ]
}

/** Everything the operator sees: events, never the errors themselves. */
function told(world: { events: readonly unknown[] }): string {
  return JSON.stringify(world.events)
}

async function wholeText(response: Response): Promise<string> {
  const headers = JSON.stringify([...response.headers])
  return headers + (await response.text())
}

const writing = ROUTE_IDS.filter((route) => SAMPLES[route].sent.body !== undefined)

describe('an error never repeats what was sent', () => {
  it('neither the subject nor any other value of the body or the path', async () => {
    const fixture = aFixture()
    await fc.assert(
      fc.asyncProperty(
        marker,
        anything,
        fc.constantFrom(...writing),
        fc.nat(11),
        fc.boolean(),
        async (secret, junk, route, which, fails) => {
          fixture.world.failure = fails
            ? new LivegateError('conflict', 'Cannot record strike: its id has other content')
            : null
          const { sent } = SAMPLES[route]
          const body = bodiesWith(secret, junk)[which]
          const path = sent.path.replace('u_1', `${secret}%00`).replace('s_1', secret)
          const { headers: _, ...rest } = sent
          const response = await fixture.send({ ...rest, path, body, as: 'admin' })
          if (response.status >= 400) expect(await wholeText(response)).not.toContain(secret)
          expect(told(fixture.world)).not.toContain(secret)
        },
      ),
      { numRuns: 400 },
    )
  })

  it('nor the query', async () => {
    const { send } = aFixture()
    await fc.assert(
      fc.asyncProperty(marker, async (secret) => {
        for (const query of [
          `outcome=${secret}`,
          `from=${secret}`,
          `limit=${secret}`,
          `wait=${secret}`,
        ]) {
          const response = await send({ path: `/v1/decisions?${query}`, as: 'audit' })
          expect(response.status).toBe(400)
          expect(await wholeText(response)).not.toContain(secret)
        }
      }),
      { numRuns: 50 },
    )
  })

  it('nor the bearer token, in any shape, on any route', async () => {
    const { send, world } = aFixture({ metrics_public: false })
    await fc.assert(
      fc.asyncProperty(
        marker,
        fc.constantFrom(...ROUTE_IDS),
        fc.nat(5),
        async (secret, route, which) => {
          const padded = secret.padEnd(43, 'A')
          const shapes = [
            `Bearer ${secret}`,
            `Bearer lg_${secret.slice(0, 20)}_${padded}`,
            `Bearer lg_${secret}`,
            `Basic ${secret}`,
            secret,
            `Bearer ${secret}.${secret}.${secret}`,
          ]
          const authorization = shapes[which] ?? ''
          const response = await send({ ...SAMPLES[route].sent, as: { authorization } })
          expect(await wholeText(response)).not.toContain(secret)
          expect(told(world)).not.toContain(secret)
        },
      ),
      { numRuns: 300 },
    )
  })

  it('nor a good token that lacks the scope, is revoked, or meets a broken gate', async () => {
    const fixture = aFixture({ rate: { per_s: 1, burst: 1 } })
    for (const scope of SCOPES) {
      const token = fixture.token(scope as Scope)
      const secret = token.split('_')[2] ?? ''
      for (const code of PROBLEM_CODES) {
        fixture.world.failure = new LivegateError(code, 'Cannot decide: it is a test')
        const sent: Sent = { method: 'POST', path: '/v1/decisions', body: { subject: 'u' } }
        const authorization = `Bearer ${token}`
        const response = await fixture.send({ ...sent, as: { authorization } })
        expect(await wholeText(response)).not.toContain(secret)
      }
    }
  })
})

describe('an answer never holds the caller’s secret', () => {
  for (const route of ROUTE_IDS)
    it(route, async () => {
      const fixture = aFixture()
      const token = fixture.token('admin')
      const authorization = `Bearer ${token}`
      const response = await fixture.send({ ...SAMPLES[route].sent, as: { authorization } })
      expect(await wholeText(response)).not.toContain(token.split('_')[2])
    })
})
