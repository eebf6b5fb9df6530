/**
 * The list of differences an author has looked at and accepted: a small YAML file, by id.
 *
 * An id names one difference by what it is, so an entry stays good while other things are edited, and stops being good
 * when the difference becomes another. The sentence beside an id is for people and is not read back.
 */
import { parseDocument } from 'yaml'
import { err, ok, type Result } from '../../result.ts'
import type { Difference } from './difference.ts'

const VERSION = 'accepted/v1'
const ID = /^d_[A-Za-z0-9]{4,12}$/
const MAX_CHARS = 4 * 1024 * 1024

/** The ids of an accepted list, or what is wrong with it. */
export function readAccepted(text: string): Result<ReadonlySet<string>, string> {
  if (text.length > MAX_CHARS) return err('it is too large')
  const document = parseDocument(text, { uniqueKeys: true, logLevel: 'silent' })
  const [error] = document.errors
  if (error !== undefined) return err((error.message.split('\n')[0] ?? '').replace(/:$/, ''))
  const value = plain(() => document.toJS({ maxAliasCount: 0 }))
  if (typeof value !== 'object' || value === null) return err(`expected \`livegate: ${VERSION}\``)
  const { livegate, accepted = [] } = value as { livegate?: unknown; accepted?: unknown }
  if (livegate !== VERSION) return err(`expected \`livegate: ${VERSION}\``)
  if (!Array.isArray(accepted)) return err('`accepted` is no list')
  const ids = new Set<string>()
  for (const [index, entry] of accepted.entries()) {
    const id: unknown = (entry as { id?: unknown } | null)?.id
    if (typeof id !== 'string' || !ID.test(id))
      return err(`entry ${index + 1} has no id such as d_4t4DHUpqMTbl`)
    ids.add(id)
  }
  return ok(ids)
}

/** Undefined for a document with aliases, which can be made to grow without end. */
function plain(read: () => unknown): unknown {
  try {
    return read()
  } catch {
    return undefined
  }
}

/** An accepted list of all the differences. */
export function writeAccepted(differences: readonly Difference[]): string {
  const entries = differences.map(({ id, rule, direction, says }) => {
    const sentence = `${direction}, ${rule === null ? 'the policy' : `rule ${rule}`}: ${says}`
    return `  - { id: ${id}, says: ${JSON.stringify(sentence)} }\n`
  })
  const list = entries.length === 0 ? 'accepted: []\n' : `accepted:\n${entries.join('')}`
  return `# Differences between two policies that were looked at and accepted.\nlivegate: ${VERSION}\n${list}`
}
