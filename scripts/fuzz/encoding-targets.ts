/**
 * Texts of bytes: base64, base64url, hexadecimal, UTF-8. Used by everything else, so nothing may be spelt in two ways.
 */
import fc from 'fast-check'
import {
  fromAscii,
  fromBase64,
  fromBase64Url,
  fromHex,
  fromUtf8,
  textFromBase64Url,
  textToBase64Url,
  toBase64,
  toBase64Url,
  toHex,
  utf8,
} from '../../src/core/encoding.ts'
import { changeBytes } from './mutate.ts'
import { changed, type FuzzTarget, must, requireSame, spelling, target } from './target.ts'

const BYTES: readonly Uint8Array[] = [
  new Uint8Array(0),
  utf8('a'),
  utf8('livegate'),
  utf8('é生😀 text'),
  Uint8Array.from({ length: 64 }, (_, i) => (i * 37) & 0xff),
  Uint8Array.from({ length: 200 }, (_, i) => (i * 101) & 0xff),
]
const TEXTS = ['', 'a', '{"a":"é"}', 'x'.repeat(150), '生😀'.repeat(40)]

function written(bytes: Uint8Array | null, write: (bytes: Uint8Array) => string): string | null {
  return bytes === null ? null : write(bytes)
}

/** Both readers of base64url must be of one mind. */
function textAgain(text: string): string | null {
  const read = textFromBase64Url(text)
  const bytes = fromBase64Url(text)
  must((read === null) === (bytes === null || fromUtf8(bytes) === null), 'two readers disagree')
  return read === null ? null : textToBase64Url(read)
}

const arrays = fc.oneof(changed(BYTES, changeBytes), fc.uint8Array({ maxLength: 24 }))

export const ENCODING_TARGETS: readonly FuzzTarget[] = [
  spelling('base64', BYTES.map(toBase64), (text) => written(fromBase64(text), toBase64)),
  spelling('base64url', BYTES.map(toBase64Url), (text) =>
    written(fromBase64Url(text), toBase64Url),
  ),
  spelling('base64url-text', TEXTS.map(textToBase64Url), textAgain),
  spelling('hex', BYTES.map(toHex), (text) => written(fromHex(text), toHex)),
  target('utf8', arrays, (bytes) => {
    const text = fromUtf8(bytes)
    const ascii = fromAscii(bytes)
    if (text !== null) requireSame('UTF-8', utf8(text), bytes)
    must(ascii === null || ascii === text, 'ASCII is another text than UTF-8')
    must((ascii !== null) === bytes.every((byte) => byte < 0x80), 'ASCII is every byte below 128')
  }),
]
