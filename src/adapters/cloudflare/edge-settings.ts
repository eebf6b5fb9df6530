/** How variables of the Worker are read that the Node host has not; those of both are in settings.ts. Table: config.ts. */
import { fromBase64Url } from '../../core/encoding.ts'
import { err, ok } from '../../core/result.ts'
import { parseAskedPolicy } from '../../core/tlog/witness.ts'
import type { ReadSetting } from '../../settings.ts'
import { MAX_SHARDS } from './names.ts'

export const shards: ReadSetting = (value) =>
  /^[1-9]\d?$/.test(value) && Number(value) <= MAX_SHARDS
    ? ok(Number(value))
    : err(`expected a number of logs from 1 to ${MAX_SHARDS}`)

export function secretBytes(least: number, most: number): ReadSetting {
  const amount = least === most ? `exactly ${least}` : `at least ${least}`
  return (value) => {
    const bytes = fromBase64Url(value)
    return bytes !== null && bytes.length >= least && bytes.length <= most
      ? ok(bytes)
      : err(`expected ${amount} bytes in base64url`)
  }
}

/** Checked here, decoded by whoever uses it. */
export const SEED: ReadSetting = (value) => {
  const bytes = secretBytes(32, 32)(value)
  return bytes.ok ? ok(value) : bytes
}

/** A seed, or the private JWK it is in. */
export const recordKey: ReadSetting = (value) => {
  const text = value.trim().startsWith('{') ? seedOfJwk(value) : value
  return SEED(text).ok
    ? ok(value)
    : err('expected a private Ed25519 JWK, or its seed of 32 bytes in base64url')
}

function seedOfJwk(json: string): string {
  try {
    const jwk: unknown = JSON.parse(json)
    if (typeof jwk !== 'object' || jwk === null) return ''
    const { kty, crv, d } = jwk as Readonly<Record<string, unknown>>
    return kty === 'OKP' && crv === 'Ed25519' && typeof d === 'string' ? d : ''
  } catch {
    return ''
  }
}

export const share: ReadSetting = (value) =>
  /^(?:0?\.\d{1,6}|1|1\.0)$/.test(value) && Number(value) > 0
    ? ok(Number(value))
    : err('expected a share above 0, at most 1, such as 0.1')

/** The text of a witness policy. */
export const witnessPolicy: ReadSetting = (value) => {
  const policy = parseAskedPolicy(value)
  if (policy.ok) return policy
  return err(policy.error.map(({ line, message }) => `line ${line}: ${message}`).join('; '))
}
