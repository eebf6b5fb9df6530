/**
 * An auditor holds decisions to the activations of their log; each lie about one has its code.
 */
import { describe, expect, it } from 'vitest'
import { createAudit } from '../../../src/core/audit/audit.ts'
import { parseAuditState } from '../../../src/core/audit/state.ts'
import type { Activation } from '../../../src/core/model.ts'
import { activationDraft, keyDraft } from '../../../src/core/record/drafts.ts'
import { epochMs } from '../../../src/core/time.ts'
import { AT, LOG } from '../record/samples.ts'
import {
  auditLog,
  beginLog,
  DIGEST,
  decided,
  type Entry,
  feed,
  headOf,
  KEY,
  SUB_A,
} from './small-log.ts'

const MINUTE = 60_000

function anActivation(revision: number, more: Partial<Activation> = {}): Activation {
  return {
    revision,
    ...{ digest: DIGEST, name: 'sample', active_from: AT, scheduled: false },
    previous: revision === 1 ? null : revision - 1,
    ...{ cause: 'activation', source: 'file', by: 'livegate', note: null },
    ...more,
  }
}

type Step =
  | Activation
  | { readonly decides: number | null; readonly at: number }
  /** Something else is logged at these seconds after AT. */
  | { readonly passing: readonly number[] }

/** A log with these records after its key and its policy. */
async function written(steps: readonly Step[], opened = true): Promise<readonly Entry[]> {
  const writer = await beginLog()
  let seq = 0
  let prev: string | null = null
  for (const step of steps) {
    if ('revision' in step) {
      await writer.add(activationDraft(step))
      continue
    }
    if ('passing' in step) {
      for (const s of step.passing) {
        const draft = keyDraft({ jwk: KEY.jwk, use: 'record', status: 'active' })
        const { bytes } = await writer.issue(draft, { iat_s: AT / 1000 + s })
        writer.entries.push({ bytes, disclosures: [] })
      }
      continue
    }
    const at = epochMs(AT + step.at)
    const draft = decided({ sub: SUB_A, seq: ++seq, prev }, at)
    const claims = step.decides === null ? {} : { revision: step.decides }
    const record = await writer.issue(
      { ...draft, claims: { ...draft.claims, ...claims } },
      { iat_s: Math.floor(at / 1000) },
    )
    prev = Buffer.from(record.leaf).toString('base64url')
    const disclosures = opened ? Object.values(record.openings) : []
    writer.entries.push({ bytes: record.bytes, disclosures })
  }
  return writer.entries
}

async function findings(steps: readonly Step[], opened = true): Promise<readonly string[]> {
  const { findings } = await auditLog({ entries: await written(steps, opened) })
  return findings.map(({ code, index }) => `${code} ${index}`)
}

/** A minute of the log's time after index 3. */
const SIX = [13, 23, 33, 43, 53, 63]

const TABLE: readonly {
  readonly name: string
  readonly steps: readonly Step[]
  readonly expect: readonly string[]
}[] = [
  {
    name: 'a log without activations is held to none',
    steps: [{ decides: null, at: 0 }],
    expect: [],
  },
  {
    name: 'a decision names the revision that was activated before it',
    steps: [anActivation(1), { decides: 1, at: 0 }],
    expect: [],
  },
  {
    name: 'a revision nobody activated',
    steps: [anActivation(1), { decides: 2, at: 0 }],
    expect: ['policy_not_active 3'],
  },
  {
    name: 'a revision that is activated only afterwards',
    steps: [{ decides: 1, at: 0 }, anActivation(1)],
    expect: ['policy_not_active 2'],
  },
  {
    name: 'no revision where the log has one',
    steps: [anActivation(1), { decides: null, at: 0 }],
    expect: ['policy_not_active 3'],
  },
  {
    name: 'a decision of the millisecond in which its revision begins',
    steps: [anActivation(1, { active_from: epochMs(AT + 5000) }), { decides: 1, at: 5000 }],
    expect: [],
  },
  {
    name: 'a decision of the second before',
    steps: [anActivation(1, { active_from: epochMs(AT + 5000) }), { decides: 1, at: 4000 }],
    expect: ['policy_not_active 3'],
  },
  {
    name: 'an older revision while another is still to come',
    steps: [
      anActivation(1),
      anActivation(2, { active_from: epochMs(AT + 60 * MINUTE) }),
      { decides: 1, at: 59 * MINUTE },
      { decides: 2, at: 60 * MINUTE },
    ],
    expect: [],
  },
  {
    name: 'an older revision for as long as hosts may take to hear of another',
    steps: [anActivation(1), anActivation(2), { decides: 1, at: MINUTE }],
    expect: [],
  },
  {
    name: 'an older revision long after another took over',
    steps: [
      anActivation(1),
      anActivation(2, { active_from: epochMs(AT + 60 * MINUTE) }),
      { passing: SIX },
      { decides: 1, at: 62 * MINUTE },
    ],
    expect: ['policy_outdated 10'],
  },
  {
    name: 'an older revision, by a clock that jumped ahead while another was being written',
    steps: [anActivation(1), anActivation(2), { decides: 1, at: 62 * MINUTE }],
    expect: [],
  },
  {
    name: 'an older revision, by a clock that jumped ahead and back and ahead',
    steps: [
      anActivation(1),
      anActivation(2),
      { passing: [4000, 10, 4001, 20, 4002, 30, 4003, 40] },
      { decides: 1, at: 62 * MINUTE },
    ],
    expect: [],
  },
  {
    name: 'an older revision a minute of the log’s time after another was logged',
    steps: [anActivation(1), anActivation(2), { passing: SIX }, { decides: 1, at: 63_000 }],
    expect: [],
  },
  {
    name: 'an older revision a second later',
    steps: [anActivation(1), anActivation(2), { passing: SIX }, { decides: 1, at: 64_000 }],
    expect: ['policy_outdated 10'],
  },
  {
    name: 'an older revision less than a minute after another began, long after that was logged',
    steps: [
      anActivation(1),
      anActivation(2, { active_from: epochMs(AT + 60 * MINUTE) }),
      { passing: SIX },
      { decides: 1, at: 61 * MINUTE - 1 },
    ],
    expect: [],
  },
  {
    name: 'a number that is given twice',
    steps: [anActivation(1), anActivation(2), anActivation(2, { previous: 1, note: 'other' })],
    expect: ['activation_order 4'],
  },
  {
    name: 'a number that is left out',
    steps: [anActivation(1), anActivation(3, { previous: 1 })],
    expect: ['activation_order 3'],
  },
  {
    name: 'one in place of a revision that never was',
    steps: [anActivation(1), anActivation(2, { previous: 7 })],
    expect: ['activation_order 3'],
  },
  {
    name: 'a text that is not in the log',
    steps: [anActivation(1, { digest: `sha256-${'A'.repeat(43)}` })],
    expect: ['policy_not_logged 2'],
  },
]

describe('activations in an audit', () => {
  for (const { name, steps, expect: codes } of TABLE)
    it(name, async () => expect(await findings(steps)).toEqual(codes))

  it('another text under the number of an activation is found', async () => {
    const other = anActivation(1, { digest: `sha256-${'A'.repeat(43)}` })
    expect(await findings([other, { decides: 1, at: 0 }])).toEqual([
      'policy_not_logged 2',
      'policy_not_active 3',
    ])
  })

  it('seconds are enough where a chain is not opened', async () => {
    const later = anActivation(1, { active_from: epochMs(AT + 5000) })
    expect(await findings([later, { decides: 1, at: 4999 }], false)).toEqual([
      'policy_not_active 3',
    ])
    expect(await findings([later, { decides: 1, at: 5000 }], false)).toEqual([])
  })

  it('are known to an audit that goes on from where another stopped', async () => {
    const entries = await written([anActivation(1), { decides: 1, at: 0 }, { decides: 2, at: 0 }])
    const first = createAudit({ origin: LOG, trusted: null })
    await feed(first, entries.slice(0, 3))
    expect(first.finish(headOf(entries.slice(0, 3))).clean).toBe(true)
    const state = parseAuditState(JSON.stringify(first.state()), LOG)
    const second = createAudit({ origin: LOG, trusted: headOf(entries.slice(0, 3)), state })
    await feed(second, entries.slice(3))
    expect(second.finish(headOf(entries)).findings.map(({ code }) => code)).toEqual([
      'policy_not_active',
    ])
  })
})
