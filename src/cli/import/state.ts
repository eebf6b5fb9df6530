/**
 * How far an import got: the last row before which everything has been answered, bound to file, mapping and gate.
 *
 * Written whole, at most once a second and at the end, always *after* the answers it speaks of: a kill at any instant
 * makes some rows be sent again, which the gate recognises by their ids, and none be left out.
 */
import { rm } from 'node:fs/promises'
import { CliFailure, EXIT } from '../failure.ts'
import { readIfThere, writeAtomic } from '../files.ts'
import { quote } from '../session.ts'

/** What must be the same for a state to be continued. */
export interface ImportIdentity {
  /** SHA-256 of the file and of the mapping, hexadecimal. */
  readonly file: string
  readonly mapping: string
  readonly url: string
}

export interface Refused {
  readonly line: number
  readonly problem: string
}

export interface ImportState extends ImportIdentity {
  readonly livegate: 'import-state/v1'
  /** All rows up to this one have been answered or are not to be sent. */
  readonly acknowledged: number
  readonly created: number
  readonly known: number
  /** Rows the gate would not take. */
  readonly refused: readonly Refused[]
}

const MAX_STATE_BYTES: number = 1024 * 1024

/** The state at `path`, or a fresh one. Throws when it belongs to another import. */
export async function loadState(path: string, identity: ImportIdentity): Promise<ImportState> {
  const bytes = await readIfThere(path, MAX_STATE_BYTES)
  if (bytes === null)
    return {
      livegate: 'import-state/v1',
      ...identity,
      acknowledged: 0,
      created: 0,
      known: 0,
      refused: [],
    }
  const state = parse(bytes)
  if (state === null) throw notOurs(path, 'it is not the state of an import')
  for (const what of ['file', 'mapping', 'url'] as const)
    if (state[what] !== identity[what])
      throw notOurs(path, `it belongs to another ${what === 'url' ? 'gate' : what}`)
  return state
}

function parse(bytes: Uint8Array): ImportState | null {
  try {
    const value = JSON.parse(new TextDecoder().decode(bytes)) as Partial<ImportState> | null
    const whole =
      value?.livegate === 'import-state/v1' &&
      Number.isSafeInteger(value.acknowledged) &&
      Array.isArray(value.refused)
    return whole ? (value as ImportState) : null
  } catch {
    return null
  }
}

function notOurs(path: string, state: string): CliFailure {
  return new CliFailure(
    EXIT.incomplete,
    `Cannot continue import from ${quote(path)}: ${state}`,
    'remove it to start from the first row; rows the gate has already are answered 200 and change nothing',
  )
}

/** Durable when resolved. */
export async function saveState(path: string, state: ImportState): Promise<void> {
  await writeAtomic(path, `${JSON.stringify(state, null, 2)}\n`, 0o600)
}

/** A finished import needs no state. */
export async function dropState(path: string): Promise<void> {
  await rm(path, { force: true })
}
