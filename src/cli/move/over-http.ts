/**
 * The Importer of a running gate: `PUT /v1/import`, as often as it takes. Spec: docs/spec/api.md, "Import".
 */
import type { Importer, MoveBatch, MoveProgress } from '../../core/move/importer.ts'
import { incomplete } from '../failure.ts'
import type { GateClient } from '../gate-client.ts'

export function createHttpImporter(client: GateClient): Importer {
  async function put(batch: MoveBatch): Promise<MoveProgress> {
    const answer = await client.json({ method: 'PUT', path: '/v1/import', body: batch }, 'import')
    const { lines, finished } = (answer ?? {}) as Partial<MoveProgress>
    if (!Number.isSafeInteger(lines) || typeof finished !== 'boolean')
      throw incomplete('Cannot import: the answer does not say how far it is')
    return { lines: lines as number, finished }
  }
  return { begin: (header) => put({ header, from: 1, lines: [] }), put }
}
