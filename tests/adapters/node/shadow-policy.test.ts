/**
 * The file of a candidate in the shadow: whatever is the matter with it, nothing stops, and what was looked at goes on.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { readinessOf } from '../../../src/adapters/node/readiness.ts'
import { openShadowPolicy, type ShadowPolicy } from '../../../src/adapters/node/shadow-policy.ts'
import { utf8 } from '../../../src/core/encoding.ts'
import { epochMs } from '../../../src/core/time.ts'
import { compiledPlan } from '../../cli/a-recorded-log.ts'

const A_POLICY = (name: string): string =>
  `livegate: policy/v1\nname: ${name}\nrules: [{ id: all, when: incident.active, outcome: deny }]\n`
const clock = { now: () => epochMs(0) }

let path = ''
let errors: unknown[] = []
beforeEach(() => {
  const dir = mkdtempSync(join(tmpdir(), 'livegate-shadow-'))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
  path = join(dir, 'candidate.yaml')
  errors = []
})

async function open(): Promise<ShadowPolicy> {
  const shadow = await openShadowPolicy({
    ...{ path, clock, elapsed: () => 0, after: () => () => undefined, observe: () => undefined },
    onError: (error) => errors.push(error),
  })
  onTestFinished(() => shadow.stop())
  return shadow
}

/** As `/readyz` has it. */
function health(shadow: ShadowPolicy): unknown {
  const plan = compiledPlan(utf8(A_POLICY('active')))
  return readinessOf(
    { status: () => ({ halted: null }) },
    {
      ...{ shadow, clock, policies: { active: () => ({ plan, bytes: utf8('') }) } },
      file: { status: () => ({ file: 'p.yaml', last_error: null }) },
    },
  )
}

describe('the file of a candidate', () => {
  it('is looked at as it is', async () => {
    writeFileSync(path, A_POLICY('one'))
    const shadow = await open()
    const { digest } = compiledPlan(utf8(A_POLICY('one')))
    expect(shadow.report()).toMatchObject({ name: 'one', digest })
    expect(health(shadow)).toMatchObject({
      ready: true,
      shadow: { digest, file: 'candidate.yaml', problems: [] },
    })
  })

  it('that changes takes the place of the one before', async () => {
    writeFileSync(path, A_POLICY('one'))
    const shadow = await open()
    writeFileSync(path, A_POLICY('two'))
    await shadow.reload()
    expect(shadow.report()?.name).toBe('two')
  })

  it('that does not compile at the start is a warning', async () => {
    writeFileSync(path, A_POLICY('one').replace('outcome', 'outcme'))
    const shadow = await open()
    expect(shadow.report()).toBeNull()
    expect(health(shadow)).toMatchObject({
      ready: true,
      shadow: {
        problems: [
          'candidate.yaml:3:9 missing-key: a rule needs `outcome`',
          'candidate.yaml:3:43 unknown-key: a rule has no member `outcme`',
        ],
      },
    })
  })

  it('that does not compile later never replaces the one before', async () => {
    writeFileSync(path, A_POLICY('one'))
    const shadow = await open()
    writeFileSync(path, 'rules: [')
    await shadow.reload()
    expect(shadow.report()?.name).toBe('one')
    expect(shadow.status().last_error).not.toBeNull()
    writeFileSync(path, A_POLICY('two'))
    await shadow.reload()
    expect([shadow.report()?.name, shadow.status().last_error]).toEqual(['two', null])
  })

  it('that is not there is a warning, and told once', async () => {
    const shadow = await open()
    await shadow.reload()
    expect(shadow.report()).toBeNull()
    expect(health(shadow)).toMatchObject({ ready: true })
    expect(shadow.status().last_error).toHaveLength(1)
    expect(errors).toHaveLength(1)
  })
})
