/**
 * What of a WHIP server's Link header is for encoders: its ICE servers. Anything else it links to, its own extensions
 * first of all, is an address behind the door.
 *
 * Spec: RFC 9725 section 4.6, RFC 8288 section 3. From: backend.ts.
 */

/** 16 links with a TURN name and password each. */
const MAX_LINK_CHARS = 4_096

const PARAMETER = /\s*;\s*([\w!#$%&'*+.^`|~-]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",;]+)))?/y
const TARGET = /\s*<([^<>]*)>/y
const END = /\s*(?:,|$)/y

/** The links to ICE servers as they were written, null for none, for too much, and for what is no Link header. */
export function iceLinksIn(header: string | null): string | null {
  if (header === null || header.length > MAX_LINK_CHARS) return null
  const kept: string[] = []
  let at = 0
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at
    const found = pattern.exec(header)
    if (found !== null) at = pattern.lastIndex
    return found
  }
  while (at < header.length) {
    const from = at
    const target = take(TARGET)
    if (target === null) return null
    let relation: string | undefined
    for (let found = take(PARAMETER); found !== null; found = take(PARAMETER)) {
      // Of two, the first counts (RFC 8288 section 3.3).
      if (found[1]?.toLowerCase() === 'rel') relation ??= found[2] ?? found[3] ?? ''
    }
    const to = at
    if (take(END) === null) return null
    const isIce = relation?.toLowerCase().split(/\s+/).includes('ice-server') === true
    if (isIce && /^(?:stun|turn)s?:/i.test(target[1] ?? ''))
      kept.push(header.slice(from, to).trim())
  }
  return kept.length === 0 ? null : kept.join(', ')
}
