/** The witness protocol as bytes: what is asked, what answers mean, whose cosignature is kept, and which policy may ask. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { utf8 } from '../../../src/core/encoding.ts'
import {
  cosignatureMessage,
  cosignatureVerifier,
  encodeCosignature,
} from '../../../src/core/tlog/cosignature.ts'
import { formatSignatureLine, type NoteSignature } from '../../../src/core/tlog/note.ts'
import { formatVkey, noteKeyId } from '../../../src/core/tlog/note-key.ts'
import {
  COSIGNATURE_SKEW_S,
  formatAddCheckpoint,
  MAX_WITNESS_ANSWER_BYTES,
  openCosignature,
  parseAskedPolicy,
  policyFaultLines,
  readAnswer,
  WITNESS_FAULTS,
  witnessBackoffMs,
  witnessUrl,
} from '../../../src/core/tlog/witness.ts'
import { keyFromSeed, must, verifyEd25519 } from './support.ts'

const { publicKey, sign } = keyFromSeed(new Uint8Array(32).fill(5))
const KEY = { name: 'w.example/one', type: 4, publicKey } as const
const VKEY = formatVkey(KEY)
const BODY = 'gate.example/log\n3\n5Q/4pV5zSus9vTj5OYj0aSu82VET8suSb4UVt2N/y1M=\n'

function lineAt(timeS: number, body: string = BODY): NoteSignature {
  const signature = encodeCosignature({
    timeS,
    signature: sign(cosignatureMessage(timeS, utf8(body))),
  })
  return { name: KEY.name, keyId: noteKeyId(KEY), signature }
}

describe('a request', () => {
  it('is the size before, the proof and the checkpoint, each in its one spelling', () => {
    const proof = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)]
    expect(formatAddCheckpoint({ old: 17, proof, checkpoint: 'note\n\nlines\n' })).toBe(
      `old 17\n${'AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE='}\n${'AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI='}\n\nnote\n\nlines\n`,
    )
    expect(formatAddCheckpoint({ old: 0, proof: [], checkpoint: 'n\n' })).toBe('old 0\n\nn\n')
  })

  it.each([
    ['https://w.example', 'https://w.example/add-checkpoint'],
    ['https://w.example/', 'https://w.example/add-checkpoint'],
    ['https://w.example/a/b//', 'https://w.example/a/b/add-checkpoint'],
  ])('goes below %s', (prefix, url) => {
    expect(witnessUrl(prefix, 'add-checkpoint')).toBe(url)
  })
})

describe('an answer', () => {
  const read = (status: number, body: string | Uint8Array, type: string | null = null) => {
    const answer = readAnswer({ status, type, body: typeof body === 'string' ? utf8(body) : body })
    return answer.kind === 'fault' ? answer.fault : answer
  }
  const line = formatSignatureLine(lineAt(7))

  it('of 200 is its signature lines', () => {
    expect(read(200, `${line}\n`)).toEqual({ kind: 'signed', lines: [lineAt(7)] })
    expect(read(200, `${line}\n${line}\n`)).toEqual({
      kind: 'signed',
      lines: [lineAt(7), lineAt(7)],
    })
  })

  it('of 409 is the size the witness has, in its own media type', () => {
    for (const type of ['text/x.tlog.size', 'text/x.tlog.size; charset=utf-8', 'Text/X.Tlog.Size'])
      expect(read(409, '17\n', type)).toEqual({ kind: 'has', size: 17 })
    expect(read(409, '0\n', 'text/x.tlog.size')).toEqual({ kind: 'has', size: 0 })
  })

  it.each<[string, number, string | Uint8Array, string | null, string]>([
    ['a line without its newline', 200, line, null, 'not_a_witness'],
    ['a line and a letter', 200, `${line}x`, null, 'not_a_witness'],
    ['nothing', 200, '', null, 'not_a_witness'],
    ['an empty line', 200, '\n', null, 'not_a_witness'],
    ['a line and text', 200, `${line}\nok\n`, null, 'not_a_witness'],
    ['a line and an empty one', 200, `${line}\n\n`, null, 'not_a_witness'],
    ['a line with a carriage return', 200, `${line}\r\n`, null, 'not_a_witness'],
    ['a page', 200, '<!doctype html>\n', 'text/html', 'not_a_witness'],
    ['no text', 200, new Uint8Array([0xff, 10]), null, 'not_a_witness'],
    ['too much', 200, '\n'.repeat(MAX_WITNESS_ANSWER_BYTES + 1), null, 'answer_too_large'],
    ['201', 201, `${line}\n`, null, 'unexpected_status'],
    ['204', 204, '', null, 'unexpected_status'],
    ['300', 300, '', null, 'redirected'],
    ['301', 301, '', null, 'redirected'],
    ['308', 308, '', null, 'redirected'],
    ['400', 400, '', null, 'bad_request'],
    ['401', 401, '', null, 'unexpected_status'],
    ['403', 403, '', null, 'log_not_accepted'],
    ['404', 404, '', null, 'unknown_log'],
    ['422', 422, '', null, 'proof_refused'],
    ['429', 429, '', null, 'busy'],
    ['500', 500, '', null, 'unexpected_status'],
    ['503', 503, '', null, 'busy'],
    ['409 of another type', 409, '17\n', 'text/plain', 'conflict_unexplained'],
    ['409 of no type', 409, '17\n', null, 'conflict_unexplained'],
    ['409 without newline', 409, '17', 'text/x.tlog.size', 'conflict_unexplained'],
    ['409 with a sign', 409, '+17\n', 'text/x.tlog.size', 'conflict_unexplained'],
    ['409 with a zero in front', 409, '017\n', 'text/x.tlog.size', 'conflict_unexplained'],
    ['409 beyond 2^53', 409, '9007199254740992\n', 'text/x.tlog.size', 'conflict_unexplained'],
    ['409 with two sizes', 409, '17\n18\n', 'text/x.tlog.size', 'conflict_unexplained'],
    ['409 with words', 409, 'conflict\n', 'text/x.tlog.size', 'conflict_unexplained'],
    ['409 with nothing', 409, '', 'text/x.tlog.size', 'conflict_unexplained'],
  ])('of %s has a name', (_, status, body, type, fault) => {
    expect(read(status, body, type)).toBe(fault)
    expect(WITNESS_FAULTS).toContain(fault)
  })

  it('never throws, whatever it is', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 100, max: 599 }),
        fc.uint8Array(),
        fc.option(fc.string()),
        (status, body, type) => {
          const answer = readAnswer({ status, type, body })
          expect(['signed', 'has', 'fault']).toContain(answer.kind)
        },
      ),
      { numRuns: 500 },
    )
  })
})

describe('a cosignature', () => {
  const verifier = must(cosignatureVerifier(VKEY, verifyEd25519))
  const NOW = 1_800_000_000
  const open = async (...lines: NoteSignature[]): Promise<string | NoteSignature> => {
    const opened = await openCosignature({ lines, verifier, body: BODY, now_s: NOW })
    return opened.ok ? opened.value : opened.error
  }
  const stranger: NoteSignature = { name: 'else.example', keyId: 1, signature: new Uint8Array(72) }

  it('is kept when it is by the witness, over what was sent, and of now', async () => {
    expect(await open(stranger, lineAt(NOW))).toEqual(lineAt(NOW))
    for (const apart of [-COSIGNATURE_SKEW_S, COSIGNATURE_SKEW_S])
      expect(await open(lineAt(NOW + apart))).toEqual(lineAt(NOW + apart))
  })

  it('is not for each other reason, by name', async () => {
    expect(await open()).toBe('cosignature_missing')
    expect(await open(stranger)).toBe('cosignature_missing')
    expect(await open({ ...lineAt(NOW), name: 'w.example/two' })).toBe('cosignature_missing')
    expect(await open({ ...lineAt(NOW), keyId: 1 })).toBe('cosignature_missing')
    expect(await open(lineAt(NOW, BODY.replace('\n3\n', '\n4\n')))).toBe('cosignature_invalid')
    expect(await open({ ...lineAt(NOW), signature: lineAt(NOW).signature.slice(1) })).toBe(
      'cosignature_invalid',
    )
    for (const apart of [-COSIGNATURE_SKEW_S - 1, COSIGNATURE_SKEW_S + 1])
      expect(await open(lineAt(NOW + apart))).toBe('cosignature_time')
  })

  it('is not with any bit of it flipped', async () => {
    const whole = lineAt(NOW)
    for (let bit = 0; bit < whole.signature.length * 8; bit += 7) {
      const signature = Uint8Array.from(whole.signature)
      signature[bit >> 3] = (signature[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      expect(await open({ ...whole, signature })).toBe('cosignature_invalid')
    }
  })
})

describe('patience with a witness', () => {
  it('doubles from a second to five minutes, and is spread over its upper half', () => {
    expect([1, 2, 3, 9, 10, 100].map((failures) => witnessBackoffMs(failures, 1))).toEqual([
      1_000, 2_000, 4_000, 256_000, 300_000, 300_000,
    ])
    expect([witnessBackoffMs(1, 0), witnessBackoffMs(100, 0)]).toEqual([500, 150_000])
  })
})

describe('the policy of a log that asks', () => {
  const policy = (url: string, quorum = 'w'): string =>
    `witness w ${VKEY} ${url}\nquorum ${quorum}\n`

  it.each([
    'https://w.example',
    'https://w.example/',
    'https://w.example:8443/prefix/of/it',
    'https://xn--bcher-kva.example/a_b-c.d~e%20f',
    'http://localhost:8080/w',
    'http://127.0.0.1:1',
    'http://[::1]:9/x',
    'https://192.0.2.255:65535/a/...',
    'HTTPS://W-1.example/',
  ])('may name %s', (url) => {
    expect(must(parseAskedPolicy(policy(url))).witnesses[0]?.url).toBe(url)
  })

  it.each([
    'http://w.example',
    'ftp://w.example',
    'w.example',
    'https://',
    'https://user@w.example',
    'https://user:pass@w.example/',
    'https://w.example?x=1',
    'https://w.example/#x',
    'https://w.example/a//b',
    'https://w.example\\@evil.example/',
    'http://localhost.evil.example/',
    'http://127.0.0.1.evil.example/',
    'http://localhost@evil.example/',
    'https://w.example:123456/',
    'https://w.example:65536/',
    'https://w.example/a/../b',
    'https://w.example/%2E./b',
    'https://w..example/',
    'https://-w.example/',
    'https://0x7f.1/',
    'https://256.0.0.1/',
  ])('may not name %s', (url) => {
    expect(parseAskedPolicy(policy(url))).toEqual({
      ok: false,
      error: [
        {
          line: 1,
          message: `\`w\` has the address \`${url}\`, expected a submission prefix: https://host/path, or http to this machine`,
        },
      ],
    })
  })

  it('needs an address for each witness, and a quorum; faults are told with file and line', () => {
    const read = parseAskedPolicy(`\nwitness w ${VKEY}\nquorum none\n`)
    expect(read.ok ? [] : policyFaultLines('w.txt', read.error)).toEqual([
      'Cannot read w.txt:2: `w` has no address, expected a submission prefix: https://host/path, or http to this machine',
      'Cannot read w.txt:3: no quorum is needed, expected a witness or a group',
    ])
    expect(parseAskedPolicy('quorum').ok).toBe(false)
  })
})
