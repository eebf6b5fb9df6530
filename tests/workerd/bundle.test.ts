/** Files that are bundled as text arrive as they are, and compile. */
import { describe, expect, it } from 'vitest'
import { BUNDLED_POLICY, BUNDLED_SERVERS } from '../../src/adapters/cloudflare/bundle.ts'
import { bundledPolicy, compileBundled } from '../../src/adapters/cloudflare/edge-policy.ts'
import { parseServersFile } from '../../src/adapters/media/servers-file.ts'
import { utf8 } from '../../src/core/encoding.ts'

describe('what is bundled into the Worker', () => {
  it('the policy compiles, once an isolate', () => {
    const policy = bundledPolicy(BUNDLED_POLICY)
    expect(policy.ok && policy.value.plan.digest).toMatch(/^sha256-/)
    expect(bundledPolicy(BUNDLED_POLICY)).toBe(policy)
  })

  it('a policy that does not compile says where', () => {
    const broken = compileBundled({ name: 'policies/broken.yaml', text: 'policy: 1\n' })
    expect(broken).toMatchObject({ ok: false })
    expect(broken.ok ? [] : broken.error[0]).toMatch(/^policies\/broken\.yaml:\d+:\d+ /)
  })

  it('the media servers file is read', () => {
    const sources = { env: () => undefined, file: () => null }
    const servers = parseServersFile(utf8(BUNDLED_SERVERS.text), BUNDLED_SERVERS.name, sources)
    expect(servers).toEqual({ ok: true, value: { servers: [], templates: [] } })
  })
})
