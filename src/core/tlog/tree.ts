/**
 * Roots and proofs of a tree, out of hashes that somebody else stores.
 *
 * All storage is one function: give me these nodes. Only complete subtrees are ever asked for, so the same reader
 * works on memory, tiles, disk or a mirror; each prover asks once. A proof is a list of ranges of leaves, each hash the
 * root over one range; a *plan* says which stored nodes make up each. Nothing here verifies (verify.ts) or knows tiles
 * (tile-reader.ts). Spec: RFC 9162 sections 2.1.3.1 and 2.1.4.1.
 */
import { LivegateError } from '../errors.ts'
import { floorLog2, powersOf, requireCount } from './arithmetic.ts'
import { type Hash, joinPeaks } from './hash.ts'

/** The complete subtree over leaves `[index * 2^level, (index + 1) * 2^level)`; level 0 is a leaf. */
export interface NodeAddress {
  readonly level: number
  readonly index: number
}

/** Hands back one hash per node, in order; throws when it cannot. Hashes may be lies: a proof is checked by its reader. */
export type HashReader = (nodes: readonly NodeAddress[]) => readonly Hash[]
export type AsyncHashReader = (nodes: readonly NodeAddress[]) => Promise<readonly Hash[]>

/** Nodes to read, and how many of them, in order, fold into each hash of the proof. */
export interface ProofPlan {
  readonly nodes: readonly NodeAddress[]
  readonly widths: readonly number[]
}

interface Range {
  readonly begin: number
  readonly end: number
}

/** Root of the tree of the first `size` leaves; one read of at most 53 nodes. */
export function rootFrom(size: number, reader: HashReader): Hash {
  const plan = planRoot(size)
  return joinPeaks(checked(plan, reader(plan.nodes)))
}

/** As `rootFrom`, over an asynchronous reader. */
export async function rootFromAsync(size: number, reader: AsyncHashReader): Promise<Hash> {
  const plan = planRoot(size)
  return joinPeaks(checked(plan, await reader(plan.nodes)))
}

/** Leaf and tree of an inclusion proof: `0 <= index < size`. */
export interface InclusionRequest {
  readonly index: number
  readonly size: number
}

/** Path from the leaf's sibling up to the root's child; one read. */
export function proveInclusion(request: InclusionRequest, reader: HashReader): Hash[] {
  const plan = planInclusion(request)
  return assemble(plan, reader(plan.nodes))
}

/** As `proveInclusion`, over an asynchronous reader. */
export async function proveInclusionAsync(
  request: InclusionRequest,
  reader: AsyncHashReader,
): Promise<Hash[]> {
  const plan = planInclusion(request)
  return assemble(plan, await reader(plan.nodes))
}

/** Older and newer size of a consistency proof: `0 <= from <= to`. */
export interface ConsistencyRequest {
  readonly from: number
  readonly to: number
}

/** Proof that the tree of `to` leaves extends that of `from`; empty from 0 and from itself; one read. */
export function proveConsistency(request: ConsistencyRequest, reader: HashReader): Hash[] {
  const plan = planConsistency(request)
  return assemble(plan, reader(plan.nodes))
}

/** As `proveConsistency`, over an asynchronous reader. */
export async function proveConsistencyAsync(
  request: ConsistencyRequest,
  reader: AsyncHashReader,
): Promise<Hash[]> {
  const plan = planConsistency(request)
  return assemble(plan, await reader(plan.nodes))
}

/** The peaks of a tree: its complete subtrees from left to right. */
export function planRoot(size: number): ProofPlan {
  requireCount(size, 'a tree size')
  return planOf(size === 0 ? [] : [{ begin: 0, end: size }])
}

/** What an inclusion proof needs. */
export function planInclusion({ index, size }: InclusionRequest): ProofPlan {
  requireCount(size, 'a tree size')
  requireCount(index, 'a leaf index')
  if (index >= size)
    throw new LivegateError(
      'internal',
      `Cannot prove leaf ${index}: the tree has ${size} leaves, expected an index below`,
    )
  const ranges: Range[] = []
  let [begin, end] = [0, size]
  while (end - begin > 1) {
    const middle = begin + splitOf(end - begin)
    if (index < middle) {
      ranges.push({ begin: middle, end })
      end = middle
    } else {
      ranges.push({ begin, end: middle })
      begin = middle
    }
  }
  return planOf(ranges.reverse())
}

/** What a consistency proof needs. */
export function planConsistency({ from, to }: ConsistencyRequest): ProofPlan {
  requireCount(from, 'a tree size')
  requireCount(to, 'a tree size')
  if (from > to)
    throw new LivegateError(
      'internal',
      `Cannot prove consistency: size ${from} is beyond ${to}, expected the older tree first`,
    )
  if (from === 0 || from === to) return planOf([])
  const ranges: Range[] = []
  let [begin, end] = [0, to]
  while (end !== from) {
    const middle = begin + splitOf(end - begin)
    if (from <= middle) {
      ranges.push({ begin: middle, end })
      end = middle
    } else {
      ranges.push({ begin, end: middle })
      begin = middle
    }
  }
  // The verifier already holds the old root: it is left out where it is itself a subtree of the new tree.
  if (begin > 0) ranges.push({ begin, end })
  return planOf(ranges.reverse())
}

/** The proof out of the hashes of `plan.nodes`, in their order. */
export function assemble(plan: ProofPlan, hashes: readonly Hash[]): Hash[] {
  checked(plan, hashes)
  let next = 0
  return plan.widths.map((width) => {
    const peaks = hashes.slice(next, next + width)
    next += width
    return joinPeaks(peaks)
  })
}

function checked(plan: ProofPlan, hashes: readonly Hash[]): readonly Hash[] {
  if (hashes.length !== plan.nodes.length)
    throw new LivegateError(
      'internal',
      `Cannot assemble proof: ${hashes.length} hashes were read, expected ${plan.nodes.length}`,
    )
  return hashes
}

/** Largest power of two below `count`; `count` is at least 2. */
function splitOf(count: number): number {
  return 2 ** floorLog2(count - 1)
}

/** Each range begins at a multiple of its widest subtree, so wide subtrees first is also left to right. */
function planOf(ranges: readonly Range[]): ProofPlan {
  const nodes: NodeAddress[] = []
  const widths: number[] = []
  for (const range of ranges) {
    const powers = powersOf(range.end - range.begin)
    let begin = range.begin
    for (const power of powers) {
      nodes.push({ level: floorLog2(power), index: begin / power })
      begin += power
    }
    widths.push(powers.length)
  }
  return { nodes, widths }
}
