/**
 * Says whether a proof holds, trusting nothing it is given.
 *
 * The two algorithms of RFC 9162 sections 2.1.3.2 and 2.1.4.2, step by step, with sizes that may pass 2^32. A failure
 * names its reason; no input throws. Whether the roots are anybody's roots is checkpoint.ts's question.
 */
import { err, ok, type Result } from '../result.ts'
import { floorLog2, half, isCount, isOdd } from './arithmetic.ts'
import { EMPTY_ROOT, HASH_BYTES, type Hash, nodeHash, sameHash } from './hash.ts'

/** Why a proof does not hold. */
export type ProofFault =
  | 'size_out_of_range'
  | 'index_out_of_range'
  | 'hash_malformed'
  | 'proof_too_short'
  | 'proof_too_long'
  /** The path leads to another root (of the newer tree, for consistency). */
  | 'root_mismatch'
  /** The older root is not a prefix of the newer tree. */
  | 'from_root_mismatch'

export interface InclusionClaim {
  readonly leaf: Hash
  readonly index: number
  readonly size: number
  readonly proof: readonly Hash[]
  readonly root: Hash
}

/** Whether `leaf` is leaf `index` of the tree of `size` leaves under `root`. */
export function verifyInclusion(claim: InclusionClaim): Result<void, ProofFault> {
  const { leaf, index, size, proof, root } = claim
  if (!isCount(size)) return err('size_out_of_range')
  if (!isCount(index) || index >= size) return err('index_out_of_range')
  if (![leaf, root, ...proof].every(isHash)) return err('hash_malformed')
  let [fn, sn, r] = [index, size - 1, leaf]
  for (const p of proof) {
    if (sn === 0) return err('proof_too_long')
    if (isOdd(fn) || fn === sn) {
      r = nodeHash(p, r)
      while (!isOdd(fn) && fn !== 0) [fn, sn] = [half(fn), half(sn)]
    } else {
      r = nodeHash(r, p)
    }
    ;[fn, sn] = [half(fn), half(sn)]
  }
  if (sn !== 0) return err('proof_too_short')
  return sameHash(r, root) ? ok(undefined) : err('root_mismatch')
}

export interface ConsistencyClaim {
  readonly from: number
  readonly from_root: Hash
  readonly to: number
  readonly to_root: Hash
  readonly proof: readonly Hash[]
}

/** Whether the tree `to` under `to_root` begins with exactly the tree `from` under `from_root`. */
export function verifyConsistency(claim: ConsistencyClaim): Result<void, ProofFault> {
  const { from, from_root, to, to_root, proof } = claim
  if (!isCount(from) || !isCount(to) || from > to) return err('size_out_of_range')
  if (![from_root, to_root, ...proof].every(isHash)) return err('hash_malformed')
  if (from === 0 && !sameHash(from_root, EMPTY_ROOT)) return err('from_root_mismatch')
  if (from === 0 || from === to) {
    if (proof.length > 0) return err('proof_too_long')
    return from < to || sameHash(from_root, to_root) ? ok(undefined) : err('root_mismatch')
  }
  if (proof.length === 0) return err('proof_too_short')
  return foldConsistency(claim, 2 ** floorLog2(from) === from ? [from_root, ...proof] : proof)
}

/** Rebuilds both roots from one path; `path` begins with a subtree that both trees share. */
function foldConsistency(claim: ConsistencyClaim, path: readonly Hash[]): Result<void, ProofFault> {
  let [fn, sn] = [claim.from - 1, claim.to - 1]
  while (isOdd(fn)) [fn, sn] = [half(fn), half(sn)]
  let [fr, sr] = [path[0] ?? EMPTY_ROOT, path[0] ?? EMPTY_ROOT]
  for (const c of path.slice(1)) {
    if (sn === 0) return err('proof_too_long')
    if (isOdd(fn) || fn === sn) {
      fr = nodeHash(c, fr)
      sr = nodeHash(c, sr)
      while (!isOdd(fn) && fn !== 0) [fn, sn] = [half(fn), half(sn)]
    } else {
      sr = nodeHash(sr, c)
    }
    ;[fn, sn] = [half(fn), half(sn)]
  }
  if (sn !== 0) return err('proof_too_short')
  if (!sameHash(fr, claim.from_root)) return err('from_root_mismatch')
  return sameHash(sr, claim.to_root) ? ok(undefined) : err('root_mismatch')
}

function isHash(value: Hash): boolean {
  return value.length === HASH_BYTES
}
