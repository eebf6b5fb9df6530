/**
 * Recomputes the tree from the entries and compares it with everything the log has signed or stored.
 *
 * The trusted checkpoint is met on the way: the root at its size must be its root, which proves consistency without a
 * consistency proof. Uses the same arithmetic as the log itself (core/tlog/grow.ts). Spec: docs/spec/log.md.
 */
import { fromBase64Url, toBase64Url } from '../encoding.ts'
import { LivegateError } from '../errors.ts'
import { decodeEdge, type Edge, emptyEdge, encodeEdge, rootOfEdge } from '../tlog/edge.ts'
import { growEdge, type LogFile } from '../tlog/grow.ts'
import { HASH_BYTES, type Hash, rowRoot, sameBytes, sameHash } from '../tlog/hash.ts'
import { hashesAt, TILE_WIDTH, tilePath } from '../tlog/tile.ts'
import type { Findings } from './findings.ts'

/** A tree head whose checkpoint note has been verified by the caller, and the note itself for evidence. */
export interface SignedHead {
  readonly size: number
  readonly root: Hash
  /** The signed note; printed when two heads contradict each other. */
  readonly note: string
  /** `x` of the keys whose signatures on the note were found to hold; not compared with the log's keys unless given. */
  readonly signed_by?: readonly string[]
  /** `x` of keys of the log whose signatures on it do not hold. */
  readonly spoiled_by?: readonly string[]
}

export interface TreeState {
  readonly root: string
  readonly edge: string
}

/** Root of the 256 hashes of a full tile. */
export type HashTile = (tile: Uint8Array) => Hash

export class AuditTree {
  readonly #hashTile: HashTile
  #edge: Edge
  #trusted: SignedHead | null
  #met: boolean | null = null

  /** Throws LivegateError when the stored edge does not give the stored root. */
  constructor(trusted: SignedHead | null, state?: TreeState, hashTile: HashTile = rowRoot) {
    this.#edge = state === undefined ? emptyEdge() : restoredEdge(state)
    this.#trusted = trusted
    this.#hashTile = hashTile
    this.#meet()
  }

  get size(): number {
    return this.#edge.size
  }

  /** Whether the trusted head was met and equal; null when it was not met. */
  get consistent(): boolean | null {
    return this.#met
  }

  root(): Hash {
    return rootOfEdge(this.#edge)
  }

  /** Appends leaves and returns the hash tiles they make full. */
  append(leaves: readonly Hash[]): readonly LogFile[] {
    const stop = (this.#trusted?.size ?? 0) - this.#edge.size
    if (stop <= 0 || stop >= leaves.length) return this.#grow(leaves)
    return [...this.#grow(leaves.slice(0, stop)), ...this.#grow(leaves.slice(stop))]
  }

  /** The partial hash tiles a log of this size serves. */
  partialTiles(): readonly LogFile[] {
    return this.#edge.rows.flatMap((bytes, level) => {
      const width = bytes.length / HASH_BYTES
      const index = Math.floor(hashesAt(level, this.size) / TILE_WIDTH)
      return width === 0 ? [] : [{ path: tilePath({ kind: 'tile', level, index, width }), bytes }]
    })
  }

  /** Compares the finished tree with the checkpoint and the trusted head. */
  close(checkpoint: SignedHead, findings: Findings): void {
    const trusted = this.#trusted
    this.#meets(checkpoint, findings)
    if (trusted === null) return
    const both = `trusted checkpoint:\n${trusted.note}\nthis checkpoint:\n${checkpoint.note}`
    if (trusted.size > checkpoint.size)
      findings.add('rollback', null, `The checkpoint is older than the trusted one; ${both}`)
    else if (this.#met === false)
      findings.add('fork', null, `The log has signed two different trees; ${both}`)
  }

  #meets(checkpoint: SignedHead, findings: Findings): void {
    const trusted = this.#trusted
    if (this.size !== checkpoint.size) {
      // A log that went back serves as many entries as it says, fewer than an earlier audit has seen.
      if (trusted?.size === this.size && trusted.size > checkpoint.size) return
      findings.add(
        'size',
        null,
        `The log serves ${this.size} entries, its checkpoint says ${checkpoint.size}`,
      )
    } else if (!sameHash(this.root(), checkpoint.root))
      findings.add(
        'root',
        null,
        `The entries hash to ${toBase64Url(this.root())}, not to the root of the checkpoint\n${checkpoint.note}`,
      )
  }

  state(): TreeState {
    return { root: toBase64Url(this.root()), edge: toBase64Url(encodeEdge(this.#edge)) }
  }

  #grow(leaves: readonly Hash[]): readonly LogFile[] {
    const grown = growEdge({ edge: this.#edge, leaves, hashTile: this.#hashTile })
    this.#edge = grown.edge
    this.#meet()
    return grown.tiles.filter(({ bytes }) => bytes.length === TILE_WIDTH * HASH_BYTES)
  }

  #meet(): void {
    if (this.#trusted?.size === this.#edge.size)
      this.#met = sameHash(rootOfEdge(this.#edge), this.#trusted.root)
  }
}

function restoredEdge(state: TreeState): Edge {
  const bytes = fromBase64Url(state.edge)
  const edge = bytes === null ? null : decodeEdge(bytes)
  if (edge === null || !edge.ok || toBase64Url(rootOfEdge(edge.value)) !== state.root)
    throw new LivegateError(
      'invalid_request',
      'Cannot resume audit: the stored tree does not give its stored root',
    )
  return edge.value
}

/** Compares a recomputed hash tile with the stored one; `stored` is null when the log does not serve it. */
export function compareTile(
  recomputed: LogFile,
  stored: Uint8Array | null,
): { readonly code: 'tile'; readonly index: null; readonly message: string } | null {
  if (stored !== null && sameBytes(stored, recomputed.bytes)) return null
  const state = stored === null ? 'is missing' : 'differs from the entries'
  return { code: 'tile', index: null, message: `Hash tile \`${recomputed.path}\` ${state}` }
}
