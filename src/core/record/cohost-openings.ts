/**
 * What a record's openings say: any group of them, and of people beside the one whose chain it is on; the openings without those.
 *
 * Callers decide when somebody is to be forgotten (docs/erasure.md); here only the groups are told apart. Nothing is
 * verified: openings come from a ledger that holds what was signed.
 */
import { textFromBase64Url } from '../encoding.ts'

type Openings = Readonly<Record<string, string>>

/** The value an opening discloses; undefined when there is none that can be read. */
export function groupIn(openings: Openings, group: string): unknown {
  const disclosure = textFromBase64Url(openings[group] ?? '')
  if (disclosure === null || disclosure === '') return undefined
  try {
    const [, , value] = JSON.parse(disclosure) as readonly unknown[]
    return value
  } catch {
    return undefined
  }
}

/**
 * Without the groups that say anything of co-hosts: `subject` and `facts`, and `result` where a restriction in it is not the
 * asking subject's own, for it names that one's strikes.
 */
export function withoutCohosts(openings: Openings): Openings {
  const { subject: _subject, facts: _facts, ...left } = openings
  if (isOwn(openings)) return left
  const { result: _result, ...rest } = left
  return rest
}

/** Everybody a record names beside its own subject, each with what the facts call it, where there are any. */
export function cohostsIn(
  openings: Openings,
): readonly { readonly subject: string; readonly called: string | null }[] {
  const { cohosts = [] } = (groupIn(openings, 'subject') ?? {}) as { cohosts?: readonly string[] }
  const content = (groupIn(openings, 'facts') ?? {}) as Content
  const hosts = content.hosts ?? content.facts?.hosts ?? []
  return cohosts.map((subject, i) => ({ subject, called: hosts[i + 1]?.subject ?? null }))
}

/** Facts of a decision, or of a broadcast that was looked at again. */
interface Content {
  readonly hosts?: readonly { readonly subject: string }[]
  readonly facts?: { readonly hosts?: readonly { readonly subject: string }[] }
}

function isOwn(openings: Openings): boolean {
  const { sub } = (groupIn(openings, 'chain') ?? {}) as { readonly sub?: string }
  const { restrictions = [] } = (groupIn(openings, 'result') ?? {}) as {
    readonly restrictions?: readonly { readonly subject: string }[]
  }
  return restrictions.every((restriction) => restriction.subject === sub)
}
