/**
 * Bytes to text and back, strictly: one value has one spelling.
 *
 * A decoder accepts exactly what the encoder writes, so a signature or hash cannot be respelled (trailing bits,
 * missing padding, blanks, lone surrogates are refused with null). No runtime's own buffers are used: these
 * functions are the same in Node, workerd and a browser tab.
 */
const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** UTF-8 bytes of `text`. */
export function utf8(text: string): Uint8Array {
  return encoder.encode(text)
}

/** Text of well-formed UTF-8, else null. A byte order mark stays in the text. */
export function fromUtf8(bytes: Uint8Array): string | null {
  try {
    return decoder.decode(bytes)
  } catch {
    return null
  }
}

/** ASCII text of bytes; callers guarantee every byte is below 0x80 (checked: null otherwise). */
export function fromAscii(bytes: Uint8Array): string | null {
  const text = fromUtf8(bytes)
  // Every character beyond ASCII takes more bytes than UTF-16 units.
  return text?.length === bytes.length ? text : null
}

/** base64 with padding (RFC 4648 section 4). */
export function toBase64(bytes: Uint8Array): string {
  return btoa(latin1(bytes))
}

/** Bytes of canonical padded base64, else null. */
export function fromBase64(text: string): Uint8Array | null {
  let binary: string
  try {
    binary = atob(text)
  } catch {
    return null
  }
  return btoa(binary) === text ? fromLatin1(binary) : null
}

/** base64url without padding (RFC 4648 section 5). */
export function toBase64Url(bytes: Uint8Array): string {
  return toUrlAlphabet(btoa(latin1(bytes)))
}

/** Bytes of canonical unpadded base64url, else null. */
export function fromBase64Url(text: string): Uint8Array | null {
  if (text.length <= SHORT) return fromShortUrl(text)
  const binary = fromUrlAlphabet(text)
  return binary === null ? null : fromLatin1(binary)
}

/** base64url of the UTF-8 bytes of `text`; fast where the text is ASCII, as JSON mostly is. */
export function textToBase64Url(text: string): string {
  return isAscii(text) ? toUrlAlphabet(btoa(text)) : toBase64Url(utf8(text))
}

/** Text of canonical base64url of well-formed UTF-8, else null. */
export function textFromBase64Url(text: string): string | null {
  const binary = fromUrlAlphabet(text)
  if (binary === null || isAscii(binary)) return binary
  return fromUtf8(fromLatin1(binary))
}

/** Up to here, signatures included, going through the letters is faster than asking `atob`. */
const SHORT = 128
const SEXTETS: Int8Array = new Int8Array(128).fill(-1)
for (const [i, c] of [
  ...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_',
].entries())
  SEXTETS[c.charCodeAt(0)] = i

function fromShortUrl(text: string): Uint8Array | null {
  if (text.length % 4 === 1) return null
  const bytes = new Uint8Array((text.length * 3) >> 2)
  let [bits, rest, at] = [0, 0, 0]
  for (let i = 0; i < text.length; i++) {
    const sextet = SEXTETS[text.charCodeAt(i)] ?? -1
    if (sextet < 0) return null
    rest = ((rest << 6) | sextet) & 0xfff
    bits += 6
    if (bits < 8) continue
    bits -= 8
    bytes[at++] = rest >> bits
  }
  // What is left of the last character must be zero.
  return (rest & ((1 << bits) - 1)) === 0 ? bytes : null
}

function toUrlAlphabet(base64: string): string {
  const padding = base64.endsWith('==') ? 2 : base64.endsWith('=') ? 1 : 0
  return base64
    .slice(0, base64.length - padding)
    .replaceAll('+', '-')
    .replaceAll('/', '_')
}

/**
 * `atob` forgives blanks and padding, which leave fewer bytes than that many characters are, the other alphabet, and
 * stray bits in the last character. Faster than to look at each character before.
 */
function fromUrlAlphabet(text: string): string | null {
  const odd = text.length % 4
  const last = text.charAt(text.length - 1)
  if (odd === 1 || (odd === 2 && !'AQgw'.includes(last))) return null
  if (odd === 3 && !'AEIMQUYcgkosw048'.includes(last)) return null
  if (text.includes('+') || text.includes('/')) return null
  let binary: string
  try {
    binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'))
  } catch {
    return null
  }
  return binary.length === Math.floor((text.length * 3) / 4) ? binary : null
}

// Room to try an encoding in, far faster than a pattern; longer texts are looked at in pieces.
const room = new Uint8Array(3 * 4096)

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i += 4096) {
    const piece = text.length <= 4096 ? text : text.slice(i, i + 4096)
    if (encoder.encodeInto(piece, room).written !== piece.length) return false
  }
  return true
}

/** Lower-case hexadecimal. */
export function toHex(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0')
  return text
}

/** Bytes of lower-case hexadecimal, else null. */
export function fromHex(text: string): Uint8Array | null {
  if (text.length % 2 !== 0 || /[^0-9a-f]/.test(text)) return null
  const bytes = new Uint8Array(text.length / 2)
  for (let i = 0; i < bytes.length; i++)
    bytes[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16)
  return bytes
}

/** One array out of many. */
export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const part of parts) length += part.length
  const bytes = new Uint8Array(length)
  let offset = 0
  for (const part of parts) {
    bytes.set(part, offset)
    offset += part.length
  }
  return bytes
}

/** Equality in time that depends on the lengths only; use for anything secret. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  let difference = a.length ^ b.length
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) difference |= (a[i] ?? 0) ^ (b[i] ?? 0)
  return difference === 0
}

/** The same for texts. */
export function equalText(a: string, b: string): boolean {
  let difference = a.length ^ b.length
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) difference |= a.charCodeAt(i) ^ b.charCodeAt(i)
  return difference === 0
}

const CHUNK = 4096

function latin1(bytes: Uint8Array): string {
  if (bytes.length <= CHUNK) return charsOf(bytes)
  let text = ''
  for (let i = 0; i < bytes.length; i += CHUNK) text += charsOf(bytes.subarray(i, i + CHUNK))
  return text
}

/** `apply` takes the array as it is, seven times faster than spreading it. */
function charsOf(bytes: Uint8Array): string {
  return Reflect.apply(String.fromCharCode, null, bytes)
}

function fromLatin1(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length)
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i)
  return bytes
}
