/**
 * Reads the witness policy file and makes of it what the store asks witnesses with. Once, at start: a fault ends it.
 */
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { fromUtf8 } from '../../core/encoding.ts'
import { LivegateError } from '../../core/errors.ts'
import { parseAskedPolicy, policyFaultLines } from '../../core/tlog/witness.ts'
import { verifyEd25519 } from '../sqlite/witness-ed25519.ts'
import type { WitnessSettings } from '../sqlite/witnesses.ts'
import { after, createSystemRandom, systemClock } from './system.ts'

/** The settings; null without a file. Throws with every fault of the file, one a line. */
export async function readWitnessSettings(name: string | null): Promise<WitnessSettings | null> {
  if (name === null) return null
  const policy = parseAskedPolicy(await readText(name))
  if (!policy.ok)
    throw new LivegateError(
      'internal',
      `Cannot read the witness policy\n${policyFaultLines(name, policy.error).join('\n')}`,
      { hint: 'docs/hosts/node.md, "Witnesses" has an example.' },
    )
  const random = createSystemRandom()
  return {
    ...{ policy: policy.value, verifyEd25519, clock: systemClock, after },
    fetch: (url, init) => fetch(url, init),
    jitter: () => (random.bytes(1)[0] ?? 0) / 255,
  }
}

async function readText(name: string): Promise<string> {
  let bytes: Uint8Array
  try {
    bytes = await readFile(resolve(name))
  } catch (cause) {
    const hint = 'Name a file that is there with --witnesses, or leave it out.'
    const message = `Cannot read the witness policy ${name}: it cannot be opened`
    throw new LivegateError('internal', message, { cause, hint })
  }
  const text = fromUtf8(bytes)
  if (text !== null) return text
  throw new LivegateError('internal', `Cannot read the witness policy ${name}: it is not UTF-8`)
}
