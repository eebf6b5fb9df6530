/**
 * G4 and G6: a dishonest gate, audited as an outsider does it: a directory with a signed log, a file of disclosures, the command line.
 *
 * Every row is a kind of lie, told with valid keys; the audit names it by code at the very record and ends with 4. What is
 * false in decisions and facts is told in support/replay-lies.ts, about whole logs in support/log-lies.ts. Lies that only
 * several logs or a predecessor can show: core/audit/{succession,across}.test.ts.
 */
import { beforeAll, describe, expect, it } from 'vitest'
import { GROUP_NAMES } from '../../src/core/record/kinds.ts'
import { presentation } from '../../src/core/record/presentation.ts'
import { VKEY, vkeyOf } from '../cli/a-log.ts'
import { aDirectory, run } from '../cli/a-world.ts'
import { BROADCAST_LIES, broadcastHistory } from '../support/broadcast-lies.ts'
import { forged, type LoggedRecord, published, type Unfolded } from '../support/forge.ts'
import { type HonestLog, honestLog, placeOf } from '../support/honest-log.ts'
import { INCIDENT_LIES, incidentHistory } from '../support/incident-lies.ts'
import { copyOf, type Draft, idOf, LOG_LIES, TWIN } from '../support/log-lies.ts'
import { REPLAY_LIES, replayHistory } from '../support/replay-lies.ts'

let honest: HonestLog
let history: readonly Unfolded[]
let incidents: readonly Unfolded[]
let broadcasts: readonly Unfolded[]
beforeAll(async () => {
  honest = await honestLog()
  history = await replayHistory()
  incidents = await incidentHistory()
  broadcasts = await broadcastHistory()
})

interface Found {
  readonly index: number | null
  readonly code: string
  readonly message: string
}

async function auditedIn(
  dir: string,
  disclosures: string,
  more: readonly string[] = [],
): Promise<{ readonly exit: number; readonly findings: readonly Found[] }> {
  const words = ['log', 'audit', dir, '--vkey', VKEY, '--disclosures', disclosures, '--json']
  const { exit, out, err } = await run(dir, [...words, ...more])
  expect(err).not.toContain('error')
  return { exit, findings: JSON.parse(out).findings }
}

function draftOf(log: Unfolded[]): Draft {
  const index = (label: string): number => placeOf(log, honest, label)
  const at = (label: string): Unfolded => log[index(label)] as Unfolded
  const group = (label: string, name: string): Record<string, unknown> => {
    const found = at(label).groups?.[name]
    if (found === undefined) throw new Error(`${label} has no ${name}`)
    return found
  }
  const host: Draft['host'] = (label) =>
    (group(label, 'facts').hosts as [Record<string, unknown>])[0]
  return { honest, log, index, at, group, host, claims: (label) => at(label).claims }
}

/** A directory with the log as it was. */
async function honestly(): Promise<string> {
  const dir = aDirectory()
  await published(dir, await forged(honest.records))
  return dir
}

/** Label and code of each finding; `every`: of more than five records. */
function namesOf(findings: readonly Found[], signed: readonly LoggedRecord[]): readonly string[] {
  const labelOf = ({ index, code }: Found): string => {
    if (index === null) return 'tree'
    if (findings.filter((other) => other.code === code).length > 5) return 'every'
    const jti = idOf(signed[index]?.jws ?? '')
    return jti === TWIN ? 'twin' : (honest.labels.get(jti) ?? `${index}`)
  }
  return [...new Set(findings.map((one) => `${labelOf(one)} ${one.code}`))].toSorted()
}

describe('a gate that lies, audited from outside,', () => {
  for (const { name, tell, records, files, words, told } of LOG_LIES)
    it(`is found out when ${name}`, async () => {
      const draft = draftOf(honest.records.map(copyOf))
      tell?.(draft)
      const signed = [...(await forged(draft.log))]
      records?.(signed, draft)
      const dir = aDirectory()
      const disclosures = await published(dir, signed)
      files?.(dir)
      const more = words === undefined ? [] : await words(await honestly(), draft)
      const { exit, findings } = await auditedIn(dir, disclosures, more)
      expect(namesOf(findings, signed)).toEqual(told.toSorted())
      expect(exit).toBe(4)
    })
})

describe('a gate that lies about decisions, audited from outside,', () => {
  it.each(REPLAY_LIES)('is found out when $name', async ({ tell, expect: codes, says = /./ }) => {
    const log = structuredClone([...history])
    tell(log)
    const dir = aDirectory()
    const disclosures = await published(dir, await forged(log))
    const { exit, findings } = await auditedIn(dir, disclosures)
    const names = findings.map(({ index, code }) => `${index} ${code}`)
    expect([...new Set(names)].toSorted()).toEqual(codes.toSorted())
    expect(findings.some(({ message }) => says.test(message))).toBe(true)
    expect(exit).toBe(4)
  })
})

describe('a gate that lies about incident mode, audited from outside,', () => {
  it.each(BROADCAST_LIES)(
    'is found out when $name',
    async ({ tell, expect: codes, says = /./ }) => {
      const log = structuredClone([...broadcasts])
      tell(log)
      const dir = aDirectory()
      const disclosures = await published(dir, await forged(log))
      const { exit, findings } = await auditedIn(dir, disclosures)
      const names = findings.map(({ index, code }) => `${index} ${code}`)
      expect([...new Set(names)].toSorted()).toEqual(codes.toSorted())
      expect(findings.some(({ message }) => says.test(message))).toBe(true)
      expect(exit).toBe(4)
    },
  )

  it.each(INCIDENT_LIES)('is found out when $name', async ({ tell, expect: codes, says = /./ }) => {
    const log = structuredClone([...incidents])
    tell(log)
    const dir = aDirectory()
    const disclosures = await published(dir, await forged(log))
    const { exit, findings } = await auditedIn(dir, disclosures)
    const names = findings.map(({ index, code }) => `${index} ${code}`)
    expect([...new Set(names)].toSorted()).toEqual(codes.toSorted())
    expect(findings.some(({ message }) => says.test(message))).toBe(true)
    expect(exit).toBe(4)
  })
})

it('a gate that opens only what it is challenged to is found out by what it opens', async () => {
  const draft = draftOf(honest.records.map(copyOf))
  Object.assign(draft.claims('last'), { outcome: 'deny' })
  const signed = await forged(draft.log)
  const lie = draft.index('last')
  const given = signed.map((record, index) =>
    index === lie ? { ...record, openings: {} } : record,
  )
  const dir = aDirectory()
  const disclosures = await published(dir, given)
  expect(await auditedIn(dir, disclosures)).toEqual({ exit: 0, findings: [] })
  const { jws = '', openings = {} } = signed[lie] ?? {}
  const opened = { index: lie, kind: 'decision', record: presentation(jws, openings, GROUP_NAMES) }
  const words = ['log', 'audit', dir, '--vkey', VKEY, '--disclosures', disclosures, '--json']
  const challenge = ['--challenge', `${signed.length}`, '--seed', 'ab'.repeat(16)]
  const gate = ['--gate', 'https://gate.example', '--key', 'lg_k_secret']
  const { exit, out } = await run(dir, [...words, ...challenge, ...gate], {
    fetch: async (url) => {
      const asked = new URL(String(url)).searchParams.get('from') === `${lie}`
      return Response.json({ records: asked ? [opened] : [], next: null })
    },
  })
  expect(JSON.parse(out).challenge.findings).toMatchObject([
    { index: lie, code: 'challenge_false' },
  ])
  expect(exit).toBe(4)
})

describe('the same auditor', () => {
  it('accuses no honest log of anything', async () => {
    for (const log of [honest.records, history, incidents]) {
      const dir = aDirectory()
      const disclosures = await published(dir, await forged(log))
      expect(await auditedIn(dir, disclosures)).toEqual({ exit: 0, findings: [] })
    }
  })

  it('calls it no lie that somebody hands it disclosures of another record', async () => {
    const dir = aDirectory()
    const records = [...(await forged(honest.records))]
    const [allowed, second] = ['allowed', 'second'].map((label) =>
      placeOf(honest.records, honest, label),
    ) as [number, number]
    const { openings } = records[second] as LoggedRecord
    records[allowed] = { ...(records[allowed] as LoggedRecord), openings }
    const disclosures = await published(dir, records)
    expect(await auditedIn(dir, disclosures)).toEqual({ exit: 0, findings: [] })
    const { out } = await run(dir, [
      'log',
      'audit',
      dir,
      '--vkey',
      VKEY,
      '--disclosures',
      disclosures,
    ])
    expect(out).toContain('5 disclosures that no record commits to: they prove nothing.')
  })

  it('does not take the checkpoint of another log for one of this, nor calls that a lie', async () => {
    const dir = await honestly()
    const words = ['log', 'audit', dir, '--vkey', vkeyOf('other.example/log')]
    const { exit, err } = await run(dir, words)
    expect([exit, err]).toEqual([1, expect.stringContaining('says nothing about that log')])
  })
})
