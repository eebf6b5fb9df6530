/** Revisions as the API lists them, and their exact texts out of the log. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { logPolicy } from '../../../src/adapters/node/bootstrap.ts'
import { dataPaths } from '../../../src/adapters/node/data-dir.ts'
import { openNodeSql } from '../../../src/adapters/node/node-sql.ts'
import { policiesView } from '../../../src/adapters/node/policies-view.ts'
import { createPolicyTexts } from '../../../src/adapters/sqlite/policy-texts.ts'
import type { Plan } from '../../../src/core/policy/plan.ts'
import { policyDigest } from '../../../src/core/record/policy-parts.ts'
import { epochMs, MINUTE_MS } from '../../../src/core/time.ts'
import { aNodeGate, type NodeGate, POLICY, START } from '../../support/node-gate.ts'

let world: NodeGate
beforeEach(async () => {
  world = await aNodeGate()
})
afterEach(() => world.close())

const OTHER = new TextEncoder().encode(
  'livegate: policy/v1\nname: other\nrules:\n  - { id: a, when: subject.age_days < 1, then: { deny: forever } }\non_unknown: { retry_after: 30s }\ndefault: allow\nlease: 4h\n',
)
const BROKEN = new TextEncoder().encode('livegate: policy/v0\nname: of an older language\n')

function viewOf(active: Uint8Array): ReturnType<typeof policiesView> {
  const digest = policyDigest(active)
  const active_from = epochMs(START + 5 * MINUTE_MS)
  const one = { ...{ revision: 1, digest, name: 'default', active_from, scheduled: false } }
  const said = {
    previous: null,
    cause: 'activation',
    source: 'file',
    by: 'me',
    note: null,
  } as const
  const plan = { digest } as Plan
  return policiesView(
    world.store.policyTexts,
    { now: () => ({ plan, bytes: active }), activations: () => [{ ...one, ...said }] },
    { now: () => epochMs(START + 6 * MINUTE_MS) },
  )
}

async function log(bytes: Uint8Array): Promise<string> {
  world.time.pass(MINUTE_MS)
  return logPolicy(world.scribe, world.store.log, world.store.signer, bytes)
}

describe('revisions', () => {
  it('are listed newest first, with their own names, and which is active since when', async () => {
    const first = policyDigest(await POLICY)
    const broken = await log(BROKEN)
    const other = await log(OTHER)
    expect(viewOf(await POLICY).list()).toEqual([
      {
        name: expect.any(String),
        digest: other,
        active: false,
        activated_at: START + 2 * MINUTE_MS,
      },
      { name: 'unknown', digest: broken, active: false, activated_at: START + MINUTE_MS },
      { name: 'default', digest: first, active: true, activated_at: START + 5 * MINUTE_MS },
    ])
  })

  it('have exactly the bytes that were logged, in however many parts', async () => {
    const large = new TextEncoder().encode(`# ${'ü'.repeat(20_000)}\r\n`)
    const digest = await log(large)
    const view = viewOf(await POLICY)
    expect(view.text(digest)).toEqual(large)
    expect(view.text(policyDigest(await POLICY))).toEqual(await POLICY)
    expect(view.text('sha256-no-such-digest')).toBeNull()
    world = await world.restart()
    expect(world.store.policyTexts.text(digest)).toEqual(large)
  })

  it('are not given when a byte of their text is another one, or a part is missing', async () => {
    const digest = await log(new TextEncoder().encode('x'.repeat(7_000)))
    const sql = openNodeSql(dataPaths(world.dir).database)
    const texts = createPolicyTexts(sql)
    expect(texts.text(digest)).not.toBeNull()
    const idx = sql.get('SELECT idx FROM log_requirements WHERE name = ? AND part = 2', digest)?.idx
    const { jws = '' } = sql.get('SELECT jws FROM entries WHERE idx = ?', Number(idx)) ?? {}
    const [header, payload = '', signature] = String(jws).split('.')
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as { text: string }
    const text = Buffer.from(claims.text, 'base64url')
    text[0] = 0x79
    const changed = JSON.stringify({ ...claims, text: text.toString('base64url') })
    const corrupt = [header, Buffer.from(changed).toString('base64url'), signature].join('.')
    sql.transaction(() => sql.run('UPDATE entries SET jws = ? WHERE idx = ?', corrupt, Number(idx)))
    expect(texts.text(digest)).toBeNull()
    sql.transaction(() => sql.run('DELETE FROM log_requirements WHERE idx = ?', Number(idx)))
    expect(texts.text(digest)).toBeNull()
    sql.close()
  })
})
