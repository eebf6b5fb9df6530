/** The webhooks file: what signs is what a receiver's library verifies, and no fault says a word of a secret. */
import { Webhook } from 'standardwebhooks'
import { describe, expect, it, test } from 'vitest'
import { signerOf, together } from '../../../src/adapters/webhooks/sign.ts'
import { parseWebhooksFile } from '../../../src/adapters/webhooks/webhooks-file.ts'
import { fromBase64, toBase64, utf8 } from '../../../src/core/encoding.ts'

const HMAC = `whsec_${toBase64(new Uint8Array(32).fill(7))}`
const NEWER = `whsec_${toBase64(new Uint8Array(24).fill(8))}`
const SEED = new Uint8Array(32).fill(9)
const ED25519 = `whsk_${toBase64(SEED)}`

const ENV: Readonly<Record<string, string>> = {
  ...{ HMAC, NEWER, ED25519, SHORT: 'whsec_c2hvcnQ=', ODD: 'topsecretthing', BASE: 'whsec_???' },
}

const parse = (text: string) =>
  parseWebhooksFile(utf8(text), 'webhooks.yaml', {
    env: (name) => ENV[name],
    file: (name) => (name === 'secret.txt' ? `${HMAC}\n` : null),
  })

const one = (members: string): string =>
  `endpoints:\n  - id: a\n    url: https://hooks.example.com/x\n    types: [decision.made]\n${members}`
const SIGNED = '    secrets: [{ env: HMAC }]\n'

async function signed(...secrets: readonly string[]) {
  const signers = await Promise.all(secrets.map(signerOf))
  const sign = together(signers.flatMap((signer) => (signer.ok ? [signer.value] : [])))
  const now = Math.floor(Date.now() / 1000)
  const headers = { 'webhook-id': 'msg_1', 'webhook-timestamp': String(now) }
  return { ...headers, 'webhook-signature': await sign('msg_1', now, BODY) }
}

const BODY = '{"type":"strike.recorded","data":{"subject":"u_ü"}}'

describe('what signs', () => {
  it('with HMAC is verified by the library of the specification, with any of the secrets in use', async () => {
    const headers = await signed(NEWER, HMAC)
    for (const secret of [HMAC, NEWER])
      expect(new Webhook(secret).verify(BODY, headers)).toMatchObject({ type: 'strike.recorded' })
    expect(() => new Webhook(HMAC).verify(`${BODY} `, headers)).toThrow('No matching signature')
  })

  it('with Ed25519 is verified with the public half alone', async () => {
    const headers = await signed(ED25519)
    const [version, signature = ''] = headers['webhook-signature'].split(',')
    expect(version).toBe('v1a')
    const said = utf8(`msg_1.${headers['webhook-timestamp']}.${BODY}`)
    const pair = await crypto.subtle.importKey(
      'jwk',
      { kty: 'OKP', crv: 'Ed25519', x: await publicHalf() },
      'Ed25519',
      false,
      ['verify'],
    )
    const verify = (message: Uint8Array) =>
      crypto.subtle.verify(
        'Ed25519',
        pair,
        new Uint8Array(fromBase64(signature) ?? []),
        new Uint8Array(message),
      )
    expect(await verify(said)).toBe(true)
    expect(await verify(utf8('msg_1.0.x'))).toBe(false)
  })

  async function publicHalf(): Promise<string> {
    const { createPrivateKey, createPublicKey } = await import('node:crypto')
    const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), SEED])
    const key = createPublicKey(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }))
    return String(key.export({ format: 'jwk' }).x)
  }
})

test('a good file names endpoints with what they are told', async () => {
  const found = await parse(
    one('    secrets: [{ env: HMAC }, { file: secret.txt }]\n    private: true\n'),
  )
  expect(found).toMatchObject({
    ok: true,
    value: [{ id: 'a', url: 'https://hooks.example.com/x', private: true }],
  })
})

test('http is for endpoints that say they are private', async () => {
  const text = one(SIGNED).replace('https:', 'http:')
  expect(await parse(`${text}    private: true\n`)).toMatchObject({ ok: true })
  expect(await problems(text)).toMatchObject([{ code: 'bad-value', line: 3 }])
})

async function problems(text: string) {
  const found = await parse(text)
  return found.ok ? [] : found.error
}

const FAULTS: readonly (readonly [name: string, text: string, code: string, line: number])[] = [
  ['an unknown member', one(`${SIGNED}    retry: 3\n`), 'unknown-key', 6],
  ['a secret in the file itself', one(`    secrets: [${HMAC}]\n`), 'wrong-type', 5],
  ['a secret as a member', one(`${SIGNED}    secret: ${HMAC}\n`), 'unknown-key', 6],
  ['a secret where a variable is named', one(`    secrets: [{ env: ${HMAC} }]\n`), 'bad-value', 5],
  ['a variable that is not set', one('    secrets: [{ env: NOPE }]\n'), 'bad-value', 5],
  ['a file that cannot be read', one('    secrets: [{ file: nope }]\n'), 'bad-value', 5],
  ['both at once', one('    secrets: [{ env: HMAC, file: secret.txt }]\n'), 'missing-key', 5],
  ['none of both', one('    secrets: [{}]\n'), 'missing-key', 5],
  ['no secret', one('    secrets: []\n'), 'bad-value', 5],
  ['a secret of another kind', one('    secrets: [{ env: ODD }]\n'), 'bad-value', 5],
  ['a secret that is too short', one('    secrets: [{ env: SHORT }]\n'), 'bad-value', 5],
  ['a secret that is no base64', one('    secrets: [{ env: BASE }]\n'), 'bad-value', 5],
  ['an unknown type', one(SIGNED).replace('decision.made', 'decision.maid'), 'bad-value', 4],
  ['an address with a password', one(SIGNED).replace('//', '//u:p@'), 'bad-value', 3],
  ['an address with a query', one(SIGNED).replace('/x', '/x?token=1'), 'bad-value', 3],
  [
    'an address no URL has',
    one(SIGNED).replace('example.com', 'example.com:99999'),
    'bad-value',
    3,
  ],
  ['an id with a backtick', one(SIGNED).replace('id: a', `id: "a\`${HMAC}"`), 'bad-value', 2],
  ['a member with backticks', one(`${SIGNED}    "a\`${HMAC}\`b": 1\n`), 'unknown-key', 6],
  ['private that is no boolean', one(`${SIGNED}    private: maybe\n`), 'wrong-type', 6],
  ['two of one id', `${one(SIGNED)}${one(SIGNED).replace('endpoints:\n', '')}`, 'duplicate-id', 6],
]

test.each(FAULTS)(
  '%s is told with its place and nothing of a secret',
  async (_name, text, code, line) => {
    const found = await problems(text)
    expect(found.map((problem) => `${problem.code} ${problem.line}`)).toContain(`${code} ${line}`)
    const said = JSON.stringify(found.map(({ message, hint }) => [message, hint]))
    for (const secret of [HMAC, HMAC.slice(6), 'topsecretthing', 'u:p'])
      expect(said).not.toContain(secret)
  },
)
