/** Facts that conditions read and no case supplies: most likely no caller does either. */
import type { At, CelText } from '../../shape.ts'
import type { Finding, LintCheck, LintedPolicy } from '../check.ts'
import { spanInCel } from '../spans.ts'

export const factNotSupplied: LintCheck = {
  code: 'fact-not-supplied',
  severity: 'warning',
  about: 'A condition reads a fact that no case beside the policy supplies',
  of_tests: true,
  *run(policy) {
    for (const { source, plan } of policy.rules) {
      const who = `rule \`${plan.id}\``
      const facts = plan.count?.unless?.facts
      yield* lacking(policy, { who, cel: source.when, facts: plan.when?.facts, lacks: UNKNOWN })
      yield* lacking(policy, { who, cel: source.unless, facts, lacks: NOTHING })
    }
    for (const { source, plan } of policy.exemptions) {
      const who = `exemption \`${plan.id}\``
      yield* lacking(policy, { who, cel: source.when, facts: plan.when.facts, lacks: NOTHING })
    }
  },
}

const UNKNOWN = 'while it is lacking the rule is unknown'
const NOTHING = 'while it is lacking nothing is lifted'

interface Reading {
  readonly who: string
  readonly cel: At<CelText> | undefined
  readonly facts: readonly string[] | undefined
  /** What follows when a fact is lacking. */
  readonly lacks: string
}

function* lacking(
  { tests, text }: LintedPolicy,
  { who, cel, facts = [], lacks }: Reading,
): Iterable<Finding> {
  if (cel === undefined) return
  for (const path of facts)
    if (!tests.supplied.has(path))
      yield {
        at: spanInCel(cel, path, text),
        message: `${who} reads \`${path}\`, which no case supplies`,
        hint: `${SUPPLIED[path.split('.', 1)[0] ?? '']}; ${lacks}`,
      }
}

/** Where a fact comes from, by the first part of its path. */
const SUPPLIED: Readonly<Record<string, string>> = {
  subject: 'it is stored with `PUT …/facts` or sent with the request',
  stream: 'it is sent with the request; media-server hooks know `stream.id` alone',
  request: 'it is sent with the request, or set for a media server',
  incident: 'it is there only while an incident is declared',
  platform: 'it is there only when the platform reports it',
  strike: 'it is there when the reporter of the strike gives it',
}
