/**
 * Which addresses belong to the outside world, for what is sent to addresses of others. Pure; who asks looks at the very
 * address a connection is made to (adapters/node/public-post.ts), or has the platform do so (adapters/cloudflare/edge-post.ts).
 */
import ipaddr from 'ipaddr.js'

/** What is given out of IPv6 (RFC 4291 section 2.4): outside lie IPv4 in old disguises, and what routers may do as they like with. */
const GLOBAL_IPV6 = ipaddr.parseCIDR('2000::/3')

/** The host under an Azure machine gives it keys and settings, at an address out of the public ranges. */
const AZURE_HOST = '168.63.129.16'

/** False for every range that is not the public internet: private, loopback, link-local, metadata services, tunnels. */
export function isPublic(address: string): boolean {
  if (!ipaddr.isValid(address)) return false
  const parsed = ipaddr.process(address)
  if (parsed.range() !== 'unicast' || parsed.toString() === AZURE_HOST) return false
  return parsed.kind() === 'ipv4' || parsed.match(GLOBAL_IPV6)
}

/** The address a host name is in itself; null for a name somebody has to resolve. */
export function addressIn(hostname: string): string | null {
  const host = hostname.replace(/^\[(.*)\]$/, '$1')
  return ipaddr.isValid(host) ? host : null
}
