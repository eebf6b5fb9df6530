/** Web pages publish too, from any origin: the key in the bearer is the proof, never a cookie. */
export const CORS: Readonly<Record<string, string>> = {
  'access-control-allow-origin': '*',
  'access-control-expose-headers': 'location, link, etag, retry-after',
}

/** What a page may ask for. */
export const PREFLIGHT: Readonly<Record<string, string>> = {
  ...CORS,
  'access-control-allow-methods': 'POST, PATCH, DELETE, OPTIONS',
  'access-control-allow-headers': 'authorization, content-type, if-match',
  'access-control-max-age': '86400',
  // RFC 9725 section 4.2: offers of which type are taken.
  'accept-post': 'application/sdp',
}
