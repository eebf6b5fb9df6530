/**
 * Percent escapes that decode to text. What does not would reach a handler undecoded or mended: a second spelling.
 */

/** True when every `%` of a path or query begins an escape of well-formed UTF-8. */
export function isDecodable(text: string): boolean {
  if (!text.includes('%')) return true
  try {
    decodeURIComponent(text)
    return true
  } catch {
    return false
  }
}
