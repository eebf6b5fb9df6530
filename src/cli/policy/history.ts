/**
 * A subject's history from a YAML or JSON file, as policy tests write it: `{facts: {…}, strikes: [{…}]}`.
 *
 * Beside the subject's own a file may hold `stream`, `request`, `incident`, `platform` and `supports`. Strikes after
 * the instant asked about do not exist yet. Instants are RFC 3339; everything is checked like disclosed facts.
 */
import type { Facts } from '../../core/model.ts'
import { decodeFacts } from '../../core/record/decode-facts.ts'
import { type EpochMs, parseInstant } from '../../core/time.ts'
import { usage } from '../failure.ts'
import { quote } from '../session.ts'
import { readYaml } from '../yaml.ts'

type Dictionary = Readonly<Record<string, unknown>>

const INSTANTS = ['created_at', 'issued_at', 'notified_at', 'content_created_at', 'expires_at']
const TOP = ['subject', 'facts', 'strikes', 'stream', 'request', 'incident', 'platform', 'supports']

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
  const decoded = decodeFacts(factsOf(value, at))
  if (decoded.ok) return decoded.value
  const { path, expected } = decoded.error
  throw wrong(`\`${path.replace('hosts.0.', '')}\` is not ${expected}`)
}

function factsOf(value: Dictionary, at: EpochMs): object {
  const { subject = 'subject', facts = {}, strikes = [], stream = {}, request = {} } = value
  const { incident = { active: false }, platform = {}, supports = [] } = value
  const own = Array.isArray(strikes)
    ? strikes.map((strike: unknown) => strikeOf(strike, subject))
    : strikes
  const known = Array.isArray(own)
    ? own.filter((strike: Dictionary) => !((strike.effective_at as number) > at))
    : own
  const host = { subject, facts: withInstants(facts), sources: {}, strikes: known }
  const hosts = [{ ...host, holds: [], reviews: [], open_broadcasts: 0 }]
  return { at, hosts, stream, request, incident, platform, supports }
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
