/**
 * The Importer of a data directory: a deployment that moves into a fresh one on this machine.
 *
 * The predecessor record, the texts of policies and their activations are logged by the scribe, everything else becomes rows. Duties:
 * core/move/importer.ts. Spec: docs/spec/storage.md, "Moving".
 */
import { fromBase64Url } from '../../core/encoding.ts'
import type { Importer, MoveProgress } from '../../core/move/importer.ts'
import type { MoveHeader, MoveLine } from '../../core/move/lines.ts'
import {
  forAudience,
  numberedAfter,
  predecessorOf,
  refusal,
  requireAcceptable,
  requireSameFile,
} from '../../core/move/receive.ts'
import { restateIn } from '../sqlite/activations.ts'
import { PREDECESSOR } from '../sqlite/entries.ts'
import { logPolicy, type Scribe } from './bootstrap.ts'
import type { NodeStore } from './store.ts'

export interface NodeImportParts {
  readonly store: Pick<
    NodeStore,
    'origin' | 'log' | 'signer' | 'pepper' | 'moves' | 'status' | 'activations'
  >
  readonly scribe: Scribe
}

export function createNodeImporter({ store, scribe }: NodeImportParts): Importer {
  const { moves, log, signer, origin, pepper } = store

  async function begin(header: MoveHeader): Promise<MoveProgress> {
    const known = moves.progress()
    if (known !== null) requireSameFile(known, header)
    else {
      if (moves.hasChains()) throw refusal('subjects have a history here already', 'a fresh log')
      requireAcceptable(header, { origins: [origin], hash: (text) => pepper.hash('move', text) })
      await moves.begin(header)
    }
    if (!log.has(PREDECESSOR)) await scribe.append([predecessorOf(header)], [signer.kid])
    const { lines, finished } = moves.progress() ?? { lines: 1, finished: false }
    return { lines, finished }
  }

  async function keepPolicy(line: MoveLine): Promise<void> {
    if (!('policy' in line)) return
    const bytes = fromBase64Url(line.policy.text)
    if (bytes === null) throw refusal('the text of a policy is malformed', 'base64url')
    await logPolicy(scribe, log, signer, bytes)
  }

  return {
    begin,
    async put({ header, from, lines }) {
      const { lines: taken, finished } = await begin(header)
      if (from > taken) throw refusal(`line ${taken} has not arrived`, 'lines in order')
      const fresh = lines.slice(taken - from)
      if (finished || fresh.length === 0) return { lines: taken, finished }
      for (const line of fresh) {
        await keepPolicy(line)
        if ('activation' in line)
          await restateIn(
            store.activations(),
            signer,
            scribe,
            numberedAfter(moves.ownRevisions(), line.activation),
          )
      }
      const rows = fresh.map((line) => forAudience(line, header.origin, origin))
      const ended = fresh.some((line) => 'end' in line)
      const progress = { lines: taken + fresh.length, finished: ended }
      await moves.put(rows, progress)
      return progress
    },
  }
}
