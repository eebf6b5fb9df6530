/**
 * The Log port in memory: the same tree, tiles and proofs as a real log, without anything durable behind it.
 *
 * The tree is brought up to date whenever somebody reads it, so every entry is covered by the next checkpoint.
 */
import { textFromBase64Url, toBase64Url, utf8 } from '../../core/encoding.ts'
import { LivegateError } from '../../core/errors.ts'
import { thumbprint } from '../../core/record/jwk.ts'
import { formatCheckpoint } from '../../core/tlog/checkpoint.ts'
import { type Edge, emptyEdge, rootOfEdge } from '../../core/tlog/edge.ts'
import { grow } from '../../core/tlog/grow.ts'
import { type NoteSigner, signNote } from '../../core/tlog/note.ts'
import { formatTlogProof } from '../../core/tlog/proof.ts'
import { TILE_WIDTH, tilePath } from '../../core/tlog/tile.ts'
import { hashReaderOverTilesSync } from '../../core/tlog/tile-reader.ts'
import { proveInclusion } from '../../core/tlog/tree.ts'
import { activationName } from '../../gate/in-force.ts'
import type { Log, Receipt, SignedRecord } from '../../ports.ts'
import { checkRecord, demand, type Fates, fated } from './contract.ts'

export interface MemoryLog {
  readonly log: Log
  /** Appends a record that was committed elsewhere in the same step. */
  place(record: SignedRecord): Receipt
  /** Everything appended so far, for tests that look. */
  entries(): readonly SignedRecord[]
  /** Forgets openings of an entry; the entry stays. */
  strip(index: number, left: (openings: SignedRecord['openings']) => SignedRecord['openings']): void
}

/** `signer` signs checkpoints under the log's name. */
export function createMemoryLog(origin: string, signer: NoteSigner, fates: Fates): MemoryLog {
  const records: SignedRecord[] = []
  const tiles = new Map<string, Uint8Array>()
  const parts = new Map<string, { readonly of: number; readonly have: Set<number> }>()
  let edge: Edge = emptyEdge()

  function place(record: SignedRecord): Receipt {
    const index = records.push(record) - 1
    learn(parts, record)
    return { origin, index, leaf: toBase64Url(record.leaf) }
  }

  function has(name: string): boolean {
    const known = parts.get(name)
    return known !== undefined && known.have.size >= known.of
  }

  function integrate(): void {
    if (edge.size === records.length) return
    const begin = edge.size - (edge.size % TILE_WIDTH)
    const bytesOf = ({ jws }: SignedRecord): Uint8Array => utf8(jws)
    const added = records.slice(edge.size)
    const unfinished = records.slice(begin, edge.size).map(bytesOf)
    const grown = grow({
      edge,
      leaves: added.map(({ leaf }) => leaf),
      entries: { unfinished, added: added.map(bytesOf) },
    })
    for (const { path, bytes } of grown.tiles) tiles.set(path, bytes)
    edge = grown.edge
  }

  function signed(tree: Edge): Promise<string> {
    const body = formatCheckpoint({ origin, size: tree.size, root: rootOfEdge(tree) })
    return signNote({ body, signers: [signer] })
  }

  const log: Log = {
    origin,
    append(appended, requires) {
      demand(appended.length > 0, 'an append holds a record')
      for (const record of appended) checkRecord(record)
      return fated(fates, 'log.append', () => {
        if (!requires.every(has))
          throw new LivegateError(
            'conflict',
            'Cannot append: a policy or key it needs is not in the log',
          )
        return appended.map(place)
      })
    },
    has,
    size: () => records.length,
    checkpoint: async () => {
      integrate()
      return signed(edge)
    },
    async tile(path) {
      integrate()
      return tiles.get(path) ?? null
    },
    async proof(index) {
      if (!Number.isSafeInteger(index) || index < 0 || index >= records.length) return null
      integrate()
      const tree = edge
      const { size } = tree
      const reader = hashReaderOverTilesSync((tile) => tiles.get(tilePath(tile)) ?? null, size)
      const proof = proveInclusion({ index, size }, reader)
      return formatTlogProof({ index, proof, checkpoint: await signed(tree) })
    },
  }
  return {
    log,
    place,
    entries: () => [...records],
    strip(index, left) {
      const record = records[index]
      if (record !== undefined) records[index] = { ...record, openings: left(record.openings) }
    },
  }
}

/** Remembers the policy part or key a record brings. */
function learn(
  parts: Map<string, { readonly of: number; readonly have: Set<number> }>,
  { kind, jws }: SignedRecord,
): void {
  if (kind !== 'policy' && kind !== 'key' && kind !== 'activation') return
  const claims = JSON.parse(textFromBase64Url(jws.split('.')[1] ?? '') ?? '{}') as {
    readonly digest?: string
    readonly part?: number
    readonly of?: number
    readonly jwk?: { readonly x: string }
    readonly use?: string
    readonly status?: string
    readonly revision?: number
  }
  const { digest, part, of, jwk } = claims
  if (kind === 'activation')
    parts.set(activationName(claims.revision ?? 0), { of: 1, have: new Set([1]) })
  else if (kind === 'key') {
    if (claims.use !== 'record' || jwk === undefined) return
    const kid = thumbprint({ kty: 'OKP', crv: 'Ed25519', x: jwk.x })
    // A key that has ended never begins again, so forgetting it is enough.
    if (claims.status === 'active') parts.set(kid, { of: 1, have: new Set([1]) })
    else parts.delete(kid)
  } else if (digest !== undefined && part !== undefined && of !== undefined) {
    const have = parts.get(digest)?.have ?? new Set<number>()
    parts.set(digest, { of, have: have.add(part) })
  }
}
