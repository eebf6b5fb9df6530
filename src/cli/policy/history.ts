/**
 * A subject's history from a YAML or JSON file, as policy tests write it: `{facts: {…}, strikes: [{…}]}`.
 *
 * Beside the subject's own a file may hold `stream`, `request`, `incident`, `platform` and `supports`, and `cohosts`
 * with histories of their own. Strikes, holds and reviews after the instant asked about do not exist yet. Instants are
 * RFC 3339; everything is checked like disclosed facts.
 */
import type { Facts } from '../../core/model.ts'
import { decodeFacts } from '../../core/record/decode-facts.ts'
import { type EpochMs, parseInstant } from '../../core/time.ts'
import { usage } from '../failure.ts'
import { quote } from '../session.ts'
import { readYaml } from '../yaml.ts'

type Dictionary = Readonly<Record<string, unknown>>

const INSTANTS = [
  ...['created_at', 'issued_at', 'notified_at', 'content_created_at', 'expires_at'],
  ...['first_asked_at', 'at'],
]
/** Of one host. */
const HOST = ['subject', 'facts', 'strikes', 'holds', 'reviews', 'open_broadcasts']
const TOP = [...HOST, 'cohosts', 'stream', 'request', 'incident', 'platform', 'supports']

/** The facts `text` describes, as they are at `at`. Throws wrong usage with the member that is wrong. */
export function parseHistory(text: string, file: string, at: EpochMs): Facts {
  const wrong = (what: string): Error => usage(`Cannot read history ${quote(file)}: ${what}`)
  const { document, fault } = readYaml(text)
  if (fault !== null) throw wrong(fault.message)
  const value = document.toJS() as Dictionary | null
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw wrong('expected a mapping with facts and strikes')
  const unknown = Object.keys(value).find((key) => !TOP.includes(key))
  if (unknown !== undefined)
    throw wrong(`unknown member ${quote(unknown)}, expected ${TOP.join(', ')}`)
  const { cohosts = [] } = value
  if (!Array.isArray(cohosts)) throw wrong('`cohosts` is not a list')
  const stranger = strangeMember(cohosts)
  if (stranger !== null)
    throw wrong(`unknown member ${quote(stranger)} of a co-host, expected ${HOST.join(', ')}`)
  const decoded = decodeFacts(factsOf(value, cohosts, at))
  if (decoded.ok) return decoded.value
  const { path, expected } = decoded.error
  throw wrong(`\`${placeOf(path)}\` is not ${expected}`)
}

/** Where a member stands in the file: the subject first, co-hosts after it. */
function placeOf(path: string): string {
  const [, index = '', rest] = /^hosts\.([0-9]+)(?:\.(.*))?$/.exec(path) ?? []
  if (index === '') return path === 'hosts' ? 'cohosts' : path
  const own = rest ?? ''
  if (index === '0') return own
  return `cohosts.${Number(index) - 1}${own === '' ? '' : `.${own}`}`
}

function strangeMember(cohosts: readonly unknown[]): string | null {
  const members = cohosts.flatMap((host: unknown) =>
    typeof host === 'object' && host !== null ? Object.keys(host) : [],
  )
  return members.find((key) => !HOST.includes(key)) ?? null
}

function factsOf(value: Dictionary, cohosts: readonly unknown[], at: EpochMs): object {
  const { stream = {}, request = {}, platform = {}, supports = [] } = value
  const { incident = { active: false } } = value
  const others = cohosts.map((host, i) => hostOf(host, `cohost-${i + 1}`, at))
  const hosts = [hostOf(value, 'subject', at), ...others]
  return { at, hosts, stream, request, incident, platform, supports }
}

/** What does not read as a host stays and is found by the check. */
function hostOf(value: unknown, name: string, at: EpochMs): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  const { subject = name, facts = {}, strikes = [], ...rest } = value as Dictionary
  const { holds = [], reviews = [], open_broadcasts = 0 } = rest
  const known = (list: unknown, when: string): unknown =>
    Array.isArray(list)
      ? list.filter((one: Dictionary | null) => !((one?.[when] as number) > at))
      : list
  return {
    subject,
    facts: withInstants(facts),
    sources: {},
    strikes: known(
      each(strikes, (strike) => strikeOf(strike, subject)),
      'effective_at',
    ),
    holds: known(each(holds, withInstants), 'first_asked_at'),
    reviews: known(each(reviews, withInstants), 'at'),
    open_broadcasts,
  }
}

function each(list: unknown, read: (item: unknown) => unknown): unknown {
  return Array.isArray(list) ? list.map(read) : list
}

function strikeOf(strike: unknown, subject: unknown): unknown {
  if (typeof strike !== 'object' || strike === null) return strike
  const read = withInstants(strike) as Dictionary
  return {
    subject,
    weight: 1,
    scope: 'any',
    status: 'active',
    effective_at: read.issued_at,
    ...read,
  }
}

/** Members that are instants, as numbers; what does not read as one stays and is found by the check. */
function withInstants(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, member]: [string, unknown]) => {
      if (!INSTANTS.includes(name) || typeof member !== 'string') return [name, member]
      const instant = parseInstant(member)
      return [name, instant.ok ? instant.value : member]
    }),
  )
}
