/**
 * One witness and one checkpoint: ask, learn what it has seen, ask again, verify, write down.
 *
 *     proof from what it acknowledged → add-checkpoint → 409: its size, once more → cosignature verified → size kept
 *
 * What a witness says it has seen is kept before anything else is done with it; a crash in between costs a 409. A witness
 * that has seen more than was ever signed here, or something else, puts this log in doubt: what it can show for it is
 * asked for (witness-doubt.ts). Next stop: witnesses.ts.
 */
import type { NoteSignature, NoteVerifier } from '../../core/tlog/note.ts'
import type { AsyncHashReader } from '../../core/tlog/tree.ts'
import { proveConsistencyAsync } from '../../core/tlog/tree.ts'
import {
  formatAddCheckpoint,
  openCosignature,
  readAnswer,
  type WitnessAnswer,
  type WitnessFault,
  witnessUrl,
} from '../../core/tlog/witness.ts'
import type { After } from '../../gate/context.ts'
import type { Published } from './rounds.ts'
import type { Sql, Writer } from './sql.ts'
import type { AskWitness } from './witness-ask.ts'
import { acknowledge, acknowledged, signedSize } from './witness-rows.ts'

export interface VisitParts {
  readonly sql: Pick<Sql, 'get' | 'run'>
  readonly writer: Pick<Writer, 'write'>
  readonly ask: AskWitness
  readonly after: After
  readonly now: () => number
}

/** A witness as it is asked. */
export interface Asked {
  readonly name: string
  readonly vkey: string
  /** Submission prefix. */
  readonly url: string
  readonly verifier: NoteVerifier
}

/** A checkpoint on its way around. */
export interface Errand {
  readonly tree: Published
  /** Of the checkpoint, with its final LF. */
  readonly body: string
  /** Over the published files of `tree`. */
  readonly reader: AsyncHashReader
  /** All questions of a visit together end within this. */
  readonly budget_ms: number
}

export type Visit =
  | { readonly cosigned: NoteSignature }
  /** It has a newer tree of ours than this one: an answer that was late, or a checkpoint that is on its way out. */
  | { readonly newer: true }
  /** `claims`: the size it says it has seen, where that is what is wrong. */
  | { readonly fault: WitnessFault; readonly claims?: number }

/** Never rejects. At most two questions. */
export async function visitWitness(
  parts: VisitParts,
  witness: Asked,
  errand: Errand,
): Promise<Visit> {
  const { tree } = errand
  const until = parts.now() + errand.budget_ms
  let old = Math.min(acknowledged(parts.sql, witness.vkey), tree.size)
  for (const last of [false, true]) {
    const answer = await add(parts, witness, errand, { old, within_ms: until - parts.now() })
    if (answer.kind === 'fault') return { fault: answer.fault }
    if (answer.kind === 'signed') return take(parts, witness, errand, answer)
    const { size } = answer
    if (size > signedSize(parts.sql)) {
      // Kept, so that a process that begins anew asks again before it believes that all is well.
      await keep(parts, witness, size)
      return { fault: 'ahead', claims: size }
    }
    if (size === old) {
      // It has what was said it has: then it is the root it does not agree with.
      if (size === tree.size && size > 0) return { fault: 'other_root', claims: size }
      return { fault: 'conflict_unexplained' }
    }
    if (!(await keep(parts, witness, size))) return { fault: 'not_kept' }
    if (size > tree.size) return { newer: true }
    if (last) break
    old = size
  }
  return { fault: 'conflict_unexplained' }
}

async function add(
  { ask }: VisitParts,
  { url }: Asked,
  { tree, reader }: Errand,
  { old, within_ms }: { readonly old: number; readonly within_ms: number },
): Promise<WitnessAnswer> {
  if (within_ms <= 0) return { kind: 'fault', fault: 'timed_out' }
  const proof = await proveConsistencyAsync({ from: old, to: tree.size }, reader)
  const body = formatAddCheckpoint({ old, proof, checkpoint: tree.note })
  const reply = await ask({
    ...{ method: 'POST', url: witnessUrl(url, 'add-checkpoint'), body, within_ms },
  })
  return reply.ok ? readAnswer(reply.value) : { kind: 'fault', fault: reply.error }
}

async function take(
  parts: VisitParts,
  witness: Asked,
  { tree, body }: Errand,
  { lines }: Extract<WitnessAnswer, { readonly kind: 'signed' }>,
): Promise<Visit> {
  const now_s = Math.floor(parts.now() / 1000)
  const line = await openCosignature({ lines, verifier: witness.verifier, body, now_s })
  if (!line.ok) return { fault: line.error }
  return (await keep(parts, witness, tree.size)) ? { cosigned: line.value } : { fault: 'not_kept' }
}

/** False when it could not be written down in time; it may have been, all the same. */
async function keep(parts: VisitParts, { vkey }: Asked, size: number): Promise<boolean> {
  const { sql, writer, after } = parts
  if (acknowledged(sql, vkey) === size) return true
  let cancel = (): void => {}
  const late = new Promise<boolean>((resolve) => {
    cancel = after(KEEP_MS, () => resolve(false))
  })
  const kept = writer
    .write(() => acknowledge(sql, vkey, size), 256)
    .then(
      () => true,
      () => false,
    )
  try {
    return await Promise.race([kept, late])
  } finally {
    cancel()
  }
}

/** A commit that takes longer says nothing about the witness; the next visit finds out what it has. */
const KEEP_MS = 5_000
