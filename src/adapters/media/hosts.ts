/**
 * Which hosts may be registered as media servers: ranges of addresses and names under a domain, strictly.
 *
 * A registered host is called with the credential of its template, so nobody may point the gate at something else. One
 * spelling for each host; no name a URL parser takes for an address; no IPv4 address in the clothes of IPv6. Loopback,
 * link-local (where metadata services live) and other special addresses are admitted by a range that names them alone,
 * never by a wide one. What a name resolves to is the business of whoever owns the domain.
 * Spec: docs/media/registering.md. Next: registrations.ts.
 */
import ipaddr from 'ipaddr.js'
import { err, ok, type Result } from '../../core/result.ts'

type Address = ReturnType<typeof ipaddr.parse>
type Range = readonly [start: Address, bits: number]

export type HostRule =
  | { readonly type: 'range'; readonly range: Range }
  | { readonly type: 'suffix'; readonly suffix: string }

/** A host as it may be registered, in its one spelling. */
export interface Host {
  readonly text: string
  /** Null for a name. */
  readonly address: Address | null
}

/** A name in the DNS. */
const MAX_NAME_CHARS = 253
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/
const IPV4 = /^(?:0|[1-9]\d{0,2})(?:\.(?:0|[1-9]\d{0,2})){3}$/
const IPV6 = /^[0-9a-f:]{2,39}$/
/** Ways to write an IPv4 address as an IPv6 one. */
const DISGUISES: readonly string[] = ['ipv4Mapped', 'rfc6145', 'rfc6052', '6to4', 'teredo']
/** Never meant by a range that is wider than they are. */
const SPECIAL: readonly Range[] = [
  '0.0.0.0/8',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '224.0.0.0/3',
  // Metadata and platform services outside the link-local range: Azure, Alibaba, AWS, Google.
  '168.63.129.16/32',
  '100.100.100.200/32',
  'fd00:ec2::254/128',
  'fd20:ce::254/128',
  // The IPv6 loopback, and IPv4 in its oldest disguise.
  '::/96',
  'fe80::/10',
  'ff00::/8',
].map((text) => ipaddr.parseCIDR(text))

/** A member of `hosts`; the error completes `…, expected`. */
export function readHostRule(text: string): Result<HostRule, string> {
  if (text.startsWith('*.')) {
    const suffix = text.slice(2)
    return isName(suffix)
      ? ok({ type: 'suffix', suffix })
      : err('a domain in lower case after `*.`, its last label beginning with a letter')
  }
  const [, start = '', digits = ''] = /^([^/]+)\/(0|[1-9]\d{0,2})$/.exec(text) ?? []
  const address = addressOf(start)
  if (address === null) return err('a range such as 10.0.3.0/24 or a domain such as *.example.org')
  const bits = Number(digits)
  if (bits > (address.kind() === 'ipv4' ? 32 : 128)) return err('no more bits than an address has')
  const first = firstOf(address, bits)
  if (first.toString() !== address.toString())
    return err(`the first address of the range, ${first.toString()}/${bits}`)
  return ok({ type: 'range', range: [address, bits] })
}

/** The error completes `expected`. */
export function readHost(text: string): Result<Host, string> {
  const lower = text.toLowerCase()
  const address = addressOf(lower)
  if (address !== null) return ok({ text: address.toString(), address })
  if (isName(lower) && lower.includes('.')) return ok({ text: lower, address: null })
  if (isDisguised(lower)) return err('the IPv4 address as such')
  return err(
    'an IPv4 or IPv6 address or a domain name, without port, user, path, brackets and other characters than ASCII',
  )
}

/** True when a rule admits the host. */
export function isAdmitted({ text, address }: Host, rules: readonly HostRule[]): boolean {
  return rules.some((rule) => {
    if (rule.type === 'suffix') return address === null && isUnder(text, rule.suffix)
    return address !== null && isIn(address, rule.range) && isMeant(address, rule.range)
  })
}

/** As it stands in a URL. */
export function hostInUrl(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}

/** One label before the domain, as in a certificate. */
function isUnder(name: string, suffix: string): boolean {
  const dot = name.indexOf('.')
  return dot > 0 && name.slice(dot + 1) === suffix
}

function isIn(address: Address, [start, bits]: Range): boolean {
  return address.kind() === start.kind() && address.match(start as never, bits)
}

/** An address with a special meaning must be meant. */
function isMeant(address: Address, [start, bits]: Range): boolean {
  return SPECIAL.every(
    (special) => !isIn(address, special) || (bits >= special[1] && isIn(start, special)),
  )
}

/** The last label of a name begins with a letter: `1.2.3`, `0x7f.1` and `127.1` are addresses to a URL parser. */
function isName(text: string): boolean {
  if (text.length > MAX_NAME_CHARS) return false
  const labels = text.split('.')
  return labels.every((label) => LABEL.test(label)) && /^[a-z]/.test(labels.at(-1) ?? '')
}

/** Null for everything but the plain spelling of an address that is not another one in disguise. */
function addressOf(text: string): Address | null {
  if (IPV4.test(text)) return ipaddr.IPv4.isValidFourPartDecimal(text) ? ipaddr.parse(text) : null
  if (!IPV6.test(text) || !ipaddr.IPv6.isValid(text)) return null
  const address = ipaddr.parse(text)
  return DISGUISES.includes(address.range()) ? null : address
}

function isDisguised(text: string): boolean {
  const bare = text.replace(/^\[(.*)\]$/, '$1')
  return ipaddr.IPv6.isValid(bare) && DISGUISES.includes(ipaddr.IPv6.parse(bare).range())
}

function firstOf(address: Address, bits: number): Address {
  const bytes = address.toByteArray().map((byte, i) => {
    const kept = Math.min(8, Math.max(0, bits - 8 * i))
    return byte & (0xff00 >> kept) & 0xff
  })
  return ipaddr.fromByteArray(bytes)
}
