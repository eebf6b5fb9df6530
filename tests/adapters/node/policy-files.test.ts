/** A policy file over its life: started with, edited, broken, half written, replaced, removed. */
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openPolicyFile, type PolicyFile } from '../../../src/adapters/node/policy-files.ts'
import { compilePolicy } from '../../../src/core/policy/compile.ts'
import type { GateEvent } from '../../../src/ports.ts'

const policy = (name: string): string =>
  `livegate: policy/v1\nname: ${name}\nrules: [{ id: all, when: 'true', outcome: deny }]\n`

let root: string
let path: string
let events: GateEvent[]
let errors: unknown[]
let activated: string[]
let decided: boolean
let refuse: Error | null
let opened: PolicyFile[]

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'livegate-'))
  path = join(root, 'gate.yaml')
  events = []
  errors = []
  activated = []
  decided = false
  refuse = null
  opened = []
})
afterEach(async () => {
  for (const file of opened) file.stop()
  await rm(root, { recursive: true })
})

async function open(lookMs = 3_600_000): Promise<PolicyFile> {
  const file = await openPolicyFile({
    path,
    compile: (bytes, name) => compilePolicy(bytes, { file: name }),
    activate: async (_bytes, plan) => {
      if (refuse !== null) throw refuse
      activated.push(plan.name)
    },
    decided: () => decided || activated.length > 0,
    observe: (event) => events.push(event),
    onError: (error) => errors.push(error),
    settleMs: 2,
    lookMs,
  })
  opened.push(file)
  return file
}

/** Waits for something the watcher brings about by itself. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise<void>((go) => setImmediate(go))
}

describe('a policy file', () => {
  it('is activated before it has been opened', async () => {
    await writeFile(path, policy('one'))
    const file = await open()
    expect(activated).toEqual(['one'])
    expect(file.status()).toEqual({ file: 'gate.yaml', last_error: null })
  })

  it('replaces the active one when it changes, seen without being told', async () => {
    await writeFile(path, policy('one'))
    await open()
    await writeFile(path, policy('two'))
    await until(() => activated.at(-1) === 'two')
    expect(activated).toEqual(['one', 'two'])
  })

  it('is seen when another file is renamed over it', async () => {
    await writeFile(path, policy('one'))
    await open()
    await writeFile(`${path}.new`, policy('two'))
    await rename(`${path}.new`, path)
    await until(() => activated.at(-1) === 'two')
    await writeFile(path, policy('three'))
    await until(() => activated.at(-1) === 'three')
  })

  it('is looked at from time to time where nothing tells of changes', async () => {
    await writeFile(path, policy('one'))
    await open(1)
    await writeFile(path, policy('two'))
    await until(() => activated.at(-1) === 'two')
  })

  it('keeps the last good one while it is broken, and says what is wrong, once', async () => {
    await writeFile(path, policy('one'))
    const file = await open()
    await writeFile(path, 'policy: [')
    await file.reload()
    await file.reload()
    expect(activated.at(-1)).toBe('one')
    expect(file.status().last_error?.[0]).toMatchObject({ severity: 'error', file: 'gate.yaml' })
    expect(events.filter((event) => event.type === 'policy_rejected')).toHaveLength(1)
    await writeFile(path, policy('one'))
    await file.reload()
    expect(file.status().last_error).toBeNull()
    expect(activated).toHaveLength(1)
  })

  it('keeps the last good one while the file is gone', async () => {
    await writeFile(path, policy('one'))
    const file = await open()
    await rm(path)
    await file.reload()
    await file.reload()
    expect(activated.at(-1)).toBe('one')
    expect(file.status().last_error).toMatchObject([{ code: 'not-loaded', file: 'gate.yaml' }])
    expect(errors).toHaveLength(1)
    await writeFile(path, policy('two'))
    await file.reload()
    expect(activated.at(-1)).toBe('two')
    expect(file.status().last_error).toBeNull()
  })

  it('does not become active while the log cannot take its text, and does once it can', async () => {
    await writeFile(path, policy('one'))
    const file = await open()
    refuse = new Error('Cannot write: the log has halted')
    await writeFile(path, policy('two'))
    await file.reload()
    expect(activated.at(-1)).toBe('one')
    expect(file.status().last_error).toMatchObject([{ message: refuse.message }])
    refuse = null
    await file.reload()
    expect(activated.at(-1)).toBe('two')
  })

  it('is read until two readings agree', async () => {
    await writeFile(path, policy('one'))
    const file = await open()
    await writeFile(path, '')
    const looking = file.reload()
    await writeFile(path, policy('two'))
    await looking
    await until(() => activated.at(-1) === 'two')
    expect(activated).toHaveLength(2)
  })

  const refused = [
    { name: 'is missing', text: null, message: 'Cannot load policy gate.yaml: it cannot be read' },
    { name: 'has mistakes', text: 'policy: 1', message: 'Cannot load policy gate.yaml: it has' },
    {
      name: 'is too large',
      text: `# ${'x'.repeat(300_000)}\n`,
      message: 'Cannot load policy gate.yaml: it has 300003 bytes, expected at most 262144',
    },
  ]
  for (const { name, text, message } of refused)
    it(`stops the start when it ${name}`, async () => {
      if (text !== null) await writeFile(path, text)
      await expect(open()).rejects.toThrow(message)
    })

  for (const { name, text, message } of refused)
    it(`stops nothing when it ${name} while a revision decides already, and says so`, async () => {
      decided = true
      if (text !== null) await writeFile(path, text)
      const file = await open()
      expect(activated).toEqual([])
      const [problem] = file.status().last_error ?? []
      if (name !== 'has mistakes') expect(problem?.message).toContain(message)
      else expect(problem).toMatchObject({ severity: 'error', file: 'gate.yaml', line: 1 })
      await writeFile(path, policy('one'))
      await file.reload()
      expect([activated, file.status().last_error]).toEqual([['one'], null])
    })
})
