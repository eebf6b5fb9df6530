/**
 * One request per route that succeeds with the right caller: what the tables of the HTTP tests walk over.
 */
import { readFileSync } from 'node:fs'
import type { RouteId } from '../../src/adapters/http/scopes.ts'
import { DIGEST, type Fixture, idOf, type Sent } from './http.ts'

/** The lines of an exported deployment. */
export const MOVING: readonly object[] = readFileSync(
  new URL('../vectors/move/deployment.jsonl', import.meta.url),
  'utf8',
)
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as object)

/** A violation as a caller sends it. */
export function aStrikeBody(overrides: Readonly<Record<string, unknown>> = {}): object {
  return {
    id: 's_1',
    category: 'terrorism.link',
    severity: 'high',
    issued_at: '2026-11-20T00:00:00Z',
    ...overrides,
  }
}

const A_POLICY =
  'livegate: policy/v1\nname: sample\nrules: [{ id: all, when: incident.active, outcome: deny }]\n'

/** Request and the status it is answered with; needs a world made ready by `furnish`. */
export const SAMPLES: Readonly<Record<RouteId, { readonly sent: Sent; readonly status: number }>> =
  {
    'POST /v1/decisions': {
      sent: { method: 'POST', path: '/v1/decisions', body: { subject: 'u_1' } },
      status: 200,
    },
    'GET /v1/decisions': { sent: { path: '/v1/decisions' }, status: 200 },
    'GET /v1/decisions/:id': { sent: { path: `/v1/decisions/${idOf(1)}` }, status: 200 },
    'GET /v1/decisions/:id/proof': {
      sent: { path: `/v1/decisions/${idOf(1)}/proof` },
      status: 200,
    },
    'GET /v1/records': { sent: { path: '/v1/records' }, status: 200 },
    'GET /v1/rollout': { sent: { path: '/v1/rollout?from=2026-01-01T00:00:00Z' }, status: 200 },
    'POST /v1/explanations': {
      sent: { method: 'POST', path: '/v1/explanations', body: { subject: 'u_1' } },
      status: 200,
    },
    'GET /v1/broadcasts': { sent: { path: '/v1/broadcasts?cutting=false' }, status: 200 },
    'GET /v1/broadcasts/:id': { sent: { path: `/v1/broadcasts/${idOf(1)}` }, status: 200 },
    'POST /v1/broadcasts/:id/renewal': {
      sent: {
        method: 'POST',
        path: `/v1/broadcasts/${idOf(1)}/renewal`,
        body: { facts: { followers: 3 } },
      },
      status: 200,
    },
    'POST /v1/broadcasts/:id/end': {
      sent: { method: 'POST', path: `/v1/broadcasts/${idOf(1)}/end` },
      status: 200,
    },
    'POST /v1/broadcasts/:id/cohosts': {
      sent: {
        method: 'POST',
        path: `/v1/broadcasts/${idOf(1)}/cohosts`,
        body: { subject: 'u_2' },
      },
      status: 200,
    },
    'POST /v1/subjects/:subject/strikes': {
      sent: {
        method: 'POST',
        path: '/v1/subjects/u_1/strikes',
        body: aStrikeBody({ id: 's_new' }),
      },
      status: 201,
    },
    'POST /v1/strikes/:id/reversal': {
      sent: { method: 'POST', path: '/v1/strikes/s_1/reversal', body: { reason: 'appeal upheld' } },
      status: 201,
    },
    'GET /v1/subjects/:subject/facts': { sent: { path: '/v1/subjects/u_1/facts' }, status: 200 },
    'PUT /v1/subjects/:subject/facts': {
      sent: { method: 'PUT', path: '/v1/subjects/u_1/facts', body: { facts: { followers: 3 } } },
      status: 200,
    },
    'PATCH /v1/subjects/:subject/facts': {
      sent: {
        method: 'PATCH',
        path: '/v1/subjects/u_1/facts',
        body: { facts: { followers: null } },
      },
      status: 200,
    },
    'GET /v1/subjects/:subject': { sent: { path: '/v1/subjects/u_1' }, status: 200 },
    'DELETE /v1/subjects/:subject': {
      sent: { method: 'DELETE', path: '/v1/subjects/u_1', body: { basis: 'Art. 17 GDPR' } },
      status: 200,
    },
    'GET /v1/subjects/:subject/export': {
      sent: { path: '/v1/subjects/u_1/export' },
      status: 200,
    },
    'PUT /v1/subjects/:subject/legal-hold': {
      sent: {
        method: 'PUT',
        path: '/v1/subjects/u_1/legal-hold',
        body: { until: '2030-01-01T00:00:00Z', basis: 'court order 7' },
      },
      status: 200,
    },
    'DELETE /v1/subjects/:subject/legal-hold': {
      sent: { method: 'DELETE', path: '/v1/subjects/u_1/legal-hold' },
      status: 204,
    },
    'GET /v1/stream-keys': { sent: { path: '/v1/stream-keys?subject=u_1' }, status: 200 },
    'POST /v1/stream-keys/:id/rotation': {
      sent: {
        method: 'POST',
        path: `/v1/stream-keys/${sampleStreamKey()}/rotation`,
        body: { overlap_s: 60 },
      },
      status: 201,
    },
    'POST /v1/stream-keys': {
      sent: { method: 'POST', path: '/v1/stream-keys', body: { subject: 'u_1' } },
      status: 201,
    },
    'DELETE /v1/stream-keys/:id': {
      sent: { method: 'DELETE', path: `/v1/stream-keys/${sampleStreamKey()}` },
      status: 204,
    },
    'PUT /v1/import': {
      sent: { method: 'PUT', path: '/v1/import', body: { ...MOVING[0], from: 1, lines: [] } },
      status: 200,
    },
    'GET /v1/policies': { sent: { path: '/v1/policies' }, status: 200 },
    'GET /v1/policies/shadow': { sent: { path: '/v1/policies/shadow' }, status: 200 },
    'GET /v1/policies/:digest': { sent: { path: `/v1/policies/${DIGEST}` }, status: 200 },
    'PUT /v1/policies': {
      sent: { method: 'PUT', path: '/v1/policies', body: { policy: A_POLICY } },
      status: 201,
    },
    'POST /v1/policies/rollback': {
      sent: { method: 'POST', path: '/v1/policies/rollback', body: {} },
      status: 409,
    },
    'DELETE /v1/policies/pending': {
      sent: { method: 'DELETE', path: '/v1/policies/pending' },
      status: 404,
    },
    'GET /v1/webhooks': { sent: { path: '/v1/webhooks' }, status: 200 },
    'GET /v1/webhooks/:endpoint/dead': {
      sent: { path: '/v1/webhooks/platform/dead' },
      status: 200,
    },
    'POST /v1/webhooks/:endpoint/replay': {
      sent: { method: 'POST', path: '/v1/webhooks/platform/replay', body: {} },
      status: 200,
    },
    'GET /v1/servers': { sent: { path: '/v1/servers' }, status: 200 },
    'PUT /v1/servers/:id': {
      sent: {
        method: 'PUT',
        path: '/v1/servers/origin-7',
        body: { template: 'origins', host: '10.0.3.7' },
      },
      status: 201,
    },
    'DELETE /v1/servers/:id': {
      sent: { method: 'DELETE', path: '/v1/servers/origin-7' },
      status: 204,
    },
    'GET /v1/incident': { sent: { path: '/v1/incident' }, status: 200 },
    'PUT /v1/incident': {
      sent: {
        method: 'PUT',
        path: '/v1/incident',
        body: { scope: 'all', reason: 'attack', expires_at: '2026-11-21T00:00:00Z' },
      },
      status: 201,
    },
    'POST /v1/incident/confirmation': {
      sent: { method: 'POST', path: '/v1/incident/confirmation', body: { id: 'none' } },
      status: 404,
    },
    'DELETE /v1/incident': { sent: { method: 'DELETE', path: '/v1/incident' }, status: 404 },
    'GET /v1/incident/:id/report': { sent: { path: '/v1/incident/none/report' }, status: 404 },
    'GET /v1/reviews': { sent: { path: '/v1/reviews' }, status: 200 },
    'POST /v1/reviews/:id': {
      sent: { method: 'POST', path: '/v1/reviews/none', body: { action: 'release' } },
      status: 404,
    },
    'GET /v1/keys': { sent: { path: '/v1/keys' }, status: 200 },
    'POST /v1/keys/rotation': {
      sent: { method: 'POST', path: '/v1/keys/rotation', body: { use: 'record' } },
      status: 201,
    },
    'POST /v1/keys/revocation': {
      sent: { method: 'POST', path: '/v1/keys/revocation', body: { kid: 'A'.repeat(43), from: 0 } },
      status: 200,
    },
    'GET /log/checkpoint': { sent: { path: '/log/checkpoint' }, status: 200 },
    'GET /log/checkpoint.witnessed': { sent: { path: '/log/checkpoint.witnessed' }, status: 404 },
    'GET /log/vkey': { sent: { path: '/log/vkey' }, status: 200 },
    'GET /log/tile/entries/*': { sent: { path: '/log/tile/entries/000' }, status: 200 },
    'GET /log/tile/*': { sent: { path: '/log/tile/0/000' }, status: 200 },
    'GET /.well-known/jwks.json': { sent: { path: '/.well-known/jwks.json' }, status: 200 },
    'POST /whip/:server': {
      sent: {
        method: 'POST',
        path: '/whip/door-1',
        body: 'v=0',
        headers: { 'content-type': 'application/sdp' },
      },
      status: 201,
    },
    'PATCH /whip/:server/:session': {
      sent: {
        method: 'PATCH',
        path: '/whip/door-1/abc',
        body: 'a=',
        headers: { 'content-type': 'application/trickle-ice-sdpfrag' },
      },
      status: 204,
    },
    'DELETE /whip/:server/:session': {
      sent: { method: 'DELETE', path: '/whip/door-1/abc' },
      status: 200,
    },
    'OPTIONS /whip/:server': {
      sent: { method: 'OPTIONS', path: '/whip/door-1' },
      status: 204,
    },
    'OPTIONS /whip/:server/:session': {
      sent: { method: 'OPTIONS', path: '/whip/door-1/abc' },
      status: 204,
    },
    'POST /hooks/:kind/:server': {
      sent: {
        method: 'POST',
        path: '/hooks/nginx-rtmp/edge-1',
        body: 'call=publish&name=k',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
      },
      status: 204,
    },
    'GET /hooks/:kind/:server/jwks.json': {
      sent: { path: '/hooks/mediamtx-jwt/edge-1/jwks.json' },
      status: 200,
    },
    'GET /healthz': { sent: { path: '/healthz' }, status: 200 },
    'GET /readyz': { sent: { path: '/readyz' }, status: 200 },
    'GET /metrics': { sent: { path: '/metrics' }, status: 200 },
    'GET /openapi.json': { sent: { path: '/openapi.json' }, status: 200 },
  }

function sampleStreamKey(): string {
  return `sk_${'A'.repeat(22)}`
}

/** Puts what the samples refer to into the world: a decision with its proof, a strike, a stream key, two files. */
export async function furnish(fixture: Fixture): Promise<void> {
  const { world, send } = fixture
  await send({ ...SAMPLES['POST /v1/decisions'].sent, as: 'decide' })
  const strike = { method: 'POST', path: '/v1/subjects/u_1/strikes', body: aStrikeBody() }
  await send({ ...strike, as: 'strikes' })
  const id = sampleStreamKey()
  const created_at = world.clock.now()
  const key = { id, subject: 'u_1', key_hash: 'none', created_at, revoked_at: null }
  world.streamKeys.set(id, key)
  world.tiles.set('tile/0/000', new Uint8Array(32))
  world.tiles.set('tile/entries/000', new Uint8Array([0, 1, 65]))
  world.proofs.set(1, 'c2sp.org/tlog-proof@v1\nindex 1\n\nexample\n')
}
