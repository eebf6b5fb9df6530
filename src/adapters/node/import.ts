/**
 * The Importer of a data directory: a deployment that moves into a fresh one on this machine.
 *
 * The predecessor record and the texts of policies are logged by the scribe, everything else becomes rows. Duties:
 * core/move/importer.ts. Spec: docs/spec/storage.md, "Moving".
 */
import { fromBase64Url } from '../../core/encoding.ts'
import { LivegateError } from '../../core/errors.ts'
import type { Importer, MoveProgress } from '../../core/move/importer.ts'
import { type MoveHeader, type MoveLine, pepperProbe } from '../../core/move/lines.ts'
import { predecessorDraft } from '../../core/record/drafts.ts'
import { PREDECESSOR } from '../sqlite/entries.ts'
import { logPolicy, type Scribe } from './bootstrap.ts'
import type { NodeStore } from './store.ts'

export interface NodeImportParts {
  readonly store: Pick<NodeStore, 'origin' | 'log' | 'signer' | 'pepper' | 'moves' | 'status'>
  readonly scribe: Scribe
}

export function createNodeImporter({ store, scribe }: NodeImportParts): Importer {
  const { moves, log, signer } = store

  async function begin(header: MoveHeader): Promise<MoveProgress> {
    const known = moves.progress()
    if (known === null) {
      requireAcceptable(header, { store, chains: moves.hasChains() })
      await moves.begin(header)
    } else if (known.header !== JSON.stringify(header)) {
      const state = known.finished ? 'another deployment has moved in' : 'another file was begun'
      throw refusal(state, 'the file it was begun with')
    }
    if (!log.has(PREDECESSOR)) await scribe.append([predecessorOf(header)], [signer.kid])
    return moves.progress() ?? { lines: 1, finished: false }
  }

  return {
    begin,
    async put({ header, from, lines }) {
      const { lines: taken, finished } = await begin(header)
      if (from > taken) throw refusal(`line ${taken} has not arrived`, 'lines in order')
      const fresh = lines.slice(taken - from)
      if (finished || fresh.length === 0) return { lines: taken, finished }
      for (const line of fresh) await keepPolicy(line)
      const rows = fresh.map((line) => forAudience(line, header.origin, store.origin))
      const progress = {
        lines: taken + fresh.length,
        finished: fresh.some((line) => 'end' in line),
      }
      await moves.put(rows, progress)
      return progress
    },
  }

  async function keepPolicy(line: MoveLine): Promise<void> {
    if (!('policy' in line)) return
    const bytes = fromBase64Url(line.policy.text)
    if (bytes === null) throw refusal('the text of a policy is malformed', 'base64url')
    await logPolicy(scribe, log, signer, bytes)
  }
}

/** A key that was for the old gate alone is for the new one alone. */
export function forAudience(line: MoveLine, old: string, audience: string): MoveLine {
  if (!('api_key' in line) || line.api_key.audience !== old) return line
  return { api_key: { ...line.api_key, audience } }
}

/** What a new log says of the one it goes on from. */
export function predecessorOf(header: MoveHeader): ReturnType<typeof predecessorDraft> {
  const { origin: predecessor, vkey, checkpoint, keys } = header
  return predecessorDraft({ predecessor, vkey, checkpoint, keys })
}

function requireAcceptable(
  header: MoveHeader,
  { store, chains }: { readonly store: NodeImportParts['store']; readonly chains: boolean },
): void {
  const { origin, successors, pepper_probe } = header
  if (chains) throw refusal('subjects have a history here already', 'a fresh log')
  if (!successors.includes(store.origin))
    throw refusal(
      `\`${origin}\` was closed in favour of ${successors.map((name) => `\`${name}\``).join(', ')}`,
      `\`${store.origin}\` among them`,
    )
  if (store.pepper.hash(pepperProbe(origin)) !== pepper_probe)
    throw refusal(
      'the pepper here is another one, and stream keys would admit nobody',
      'that of the old deployment',
    )
}

function refusal(state: string, expected: string): LivegateError {
  return new LivegateError('conflict', `Cannot import: ${state}, expected ${expected}`)
}
