/**
 * A strike record as another program might sign it with the gate's key: it commits to a group the table does not allow.
 */
import { hash } from 'node:crypto'
import { testKey } from '../record/samples.ts'

/** The same record, its first digest that of a group `chain` without `at`. Of its own result it gives the same again. */
export function signedBadly(jws: string): { readonly jws: string; readonly disclosure: string } {
  const [header = '', payload = ''] = jws.split('.')
  const disclosure = Buffer.from(
    '["AAAAAAAAAAAAAAAAAAAAAA","chain",{"sub":"AAECAwQFBgcICQoLDA0ODw","seq":1,"prev":null}]',
  ).toString('base64url')
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as { _sd: string[] }
  const digest = hash('sha256', disclosure, 'base64url')
  const _sd = claims._sd.includes(digest) ? claims._sd : [digest, ...claims._sd.slice(1)].toSorted()
  const signed = `${header}.${Buffer.from(JSON.stringify({ ...claims, _sd })).toString('base64url')}`
  const signature = testKey(1).signer.sign(Buffer.from(signed)) as Uint8Array
  return { jws: `${signed}.${Buffer.from(signature).toString('base64url')}`, disclosure }
}
