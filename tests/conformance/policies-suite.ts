/**
 * What authors of policies are promised on every host: numbers, compare-and-swap, a report before, nothing broken by a mistake.
 *
 * The deployment's own policy is in force again at the end; where activations take a while to be heard of, this waits.
 */
import { beforeAll, describe, expect, it } from 'vitest'
import { DECISION_ANSWER } from '../../src/adapters/http/answers.ts'
import { ACTIVATION_ANSWER, POLICIES_ANSWER } from '../../src/adapters/http/policy-schemas.ts'
import { answer, fresh, type Host, OLD_ACCOUNT, problem, send } from './host.ts'

interface Activated {
  readonly revision: number
  readonly digest: string
  readonly active_from: string
  readonly unchanged?: true
  readonly warnings: readonly { readonly code: string; readonly severity: string }[]
  readonly report?: { readonly decisions: number; readonly unchanged: number }
}

interface Listed {
  readonly revision?: number
  readonly policies: readonly { readonly digest: string; readonly active: boolean }[]
  readonly revisions: readonly { readonly revision: number; readonly state: string }[]
}

const closed = (name: string): string =>
  `livegate: policy/v1\nname: ${name}\nrules: [{ id: closed, when: 'true', outcome: deny }]\n`

export function policiesSuite(create: () => Promise<Host>): void {
  let host: Host
  beforeAll(async () => {
    host = await create()
    // A deployment has revision 1 from its first decision on, wherever that is made.
    await decided()
  })

  const list = (): Promise<Listed> =>
    answer(host, { path: '/v1/policies', as: 'read' }, { status: 200, shape: POLICIES_ANSWER })
  const put = (body: object, status = 201): Promise<Activated> =>
    answer(
      host,
      { method: 'PUT', path: '/v1/policies', body },
      { status, shape: ACTIVATION_ANSWER },
    )
  const decided = (): Promise<{
    readonly outcome: string
    readonly policy: { readonly name: string; readonly revision?: number }
  }> => {
    const body = { subject: fresh('author'), facts: OLD_ACCOUNT }
    return answer(
      host,
      { method: 'POST', path: '/v1/decisions', body },
      { status: 200, shape: DECISION_ANSWER },
    )
  }
  const begun = async ({ active_from }: Activated): Promise<void> => {
    const wait = Date.parse(active_from) - Date.now()
    if (wait >= 0) await new Promise((go) => setTimeout(go, wait + 50))
  }

  describe('activations', () => {
    it('take effect under the next number, decisions name it, and a rollback goes back', async () => {
      const before = await list()
      const revision = before.revision ?? 0
      expect(await decided()).toMatchObject({ outcome: 'allow', policy: { revision } })
      const name = fresh('closed')
      const made = await put({ policy: closed(name), expect_revision: revision })
      expect(made.revision).toBe(revision + 1)
      await begun(made)
      expect(await decided()).toMatchObject({
        outcome: 'deny',
        policy: { name, revision: revision + 1 },
      })
      expect((await list()).revisions[0]).toMatchObject({ revision: revision + 1, state: 'active' })
      const back = await answer<Activated>(
        host,
        { method: 'POST', path: '/v1/policies/rollback', body: { expect_revision: revision + 1 } },
        { status: 201, shape: ACTIVATION_ANSWER },
      )
      await begun(back)
      expect(await decided()).toMatchObject({
        outcome: 'allow',
        policy: { revision: revision + 2 },
      })
    }, 60_000)

    it('report without changing anything', async () => {
      const { revision } = await list()
      const policy = closed(fresh('dry'))
      const { report, warnings } = await put({ policy, dry_run: true, decisions: 5 }, 200)
      expect(warnings).toMatchObject([{ code: 'denies-everybody', severity: 'error' }])
      expect(report?.decisions).toBeGreaterThan(0)
      expect((await list()).revision).toBe(revision)
    })

    it('are refused to whoever knows another revision, by number or by ETag', async () => {
      const conflict = { status: 409, code: 'conflict' }
      const policy = closed(fresh('late'))
      const sent = { method: 'PUT', path: '/v1/policies' }
      await problem(host, { ...sent, body: { policy, expect_revision: 0 } }, conflict)
      await problem(host, { ...sent, body: { policy }, headers: { 'if-match': '"0"' } }, conflict)
    })

    it('are called off before their time', async () => {
      const at = new Date(Date.now() + 3_600_000).toISOString()
      const made = await put({ policy: closed(fresh('later')), activate_at: at })
      expect((await list()).revisions[0]).toMatchObject({ state: 'pending' })
      const sent = { method: 'DELETE', path: '/v1/policies/pending' }
      const off = { status: 201, shape: ACTIVATION_ANSWER }
      const stopped = await answer<Activated>(host, sent, off)
      expect(stopped).toMatchObject({ cause: 'cancellation', supersedes: [made.revision] })
      await begun(stopped)
      await problem(host, sent, { status: 404, code: 'not_found' })
    }, 60_000)

    it('say everything that is wrong with a policy, and replace nothing', async () => {
      const { revision } = await list()
      const sent = {
        ...{ method: 'PUT', path: '/v1/policies' },
        body: closed('x').replace('outcome', 'outcme'),
        headers: { 'content-type': 'application/yaml' },
      }
      const given = await problem(host, sent, { status: 400, code: 'invalid_request' })
      expect(given.diagnostics).toMatchObject([{ code: 'missing-key' }, { code: 'unknown-key' }])
      expect((await list()).revision).toBe(revision)
    })

    const HOSTILE: readonly (readonly [
      string,
      { readonly body: unknown; readonly type?: string; readonly query?: string },
      number,
    ])[] = [
      ['no policy', { body: {} }, 400],
      ['a policy that is no text', { body: { policy: 7 } }, 400],
      ['a member nobody knows', { body: { policy: closed('x'), force: true } }, 400],
      ['an option twice', { body: { policy: closed('x'), note: 'a' }, query: '?note=b' }, 400],
      [
        'an instant without a zone',
        { body: closed('x'), type: 'application/yaml', query: '?activate_at=2027-01-01T00:00:00' },
        400,
      ],
      ['a note with control characters', { body: { policy: closed('x'), note: 'a\u0000b' } }, 400],
      ['an empty file', { body: ' ', type: 'application/yaml' }, 400],
      [
        'bytes that are no text',
        { body: new Uint8Array([0xff, 0xfe, 0x00]), type: 'application/yaml' },
        400,
      ],
      [
        'a file that is too large',
        { body: `# ${'x'.repeat(262_144)}`, type: 'application/yaml' },
        413,
      ],
      ['a policy in JSON that is too large', { body: { policy: `# ${'x'.repeat(262_144)}` } }, 413],
      ['a bomb of aliases', { body: 'a: &a [x, x]\nb: [*a, *a]\n', type: 'application/yaml' }, 400],
      ['another type', { body: closed('x'), type: 'text/plain' }, 415],
    ]
    for (const [name, { body, type, query = '' }, status] of HOSTILE)
      it(`refuse ${name}`, async () => {
        const { revision } = await list()
        const headers = type === undefined ? {} : { 'content-type': type }
        const sent = { method: 'PUT', path: `/v1/policies${query}`, body, headers }
        expect((await send(host, sent)).status).toBe(status)
        expect((await list()).revision).toBe(revision)
      })
  })
}
