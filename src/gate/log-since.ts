/**
 * Where in a log a time begins, for reports that read it from there.
 */
import type { EpochMs } from '../core/time.ts'
import type { Directory } from '../ports.ts'

/** Of a search in a log of 2^40 entries. */
const MAX_STEPS = 40

/** An index before which no record is as late as `at`, by halving: instants rise with the log, but for clocks that step. */
export async function firstSince(
  directory: Pick<Directory, 'records'>,
  shard: number,
  at: EpochMs,
): Promise<number> {
  let low = 0
  let step = 1
  for (let n = 0; n < MAX_STEPS; n++) {
    if (!(await isBefore(directory, { shard, from: low + step, at }))) break
    low += step
    step *= 2
  }
  for (let n = 0; n < MAX_STEPS && step >= 1; n++, step = Math.floor(step / 2))
    if (await isBefore(directory, { shard, from: low + step, at })) low += step
  return low
}

async function isBefore(
  directory: Pick<Directory, 'records'>,
  { shard, from, at }: { readonly shard: number; readonly from: number; readonly at: EpochMs },
): Promise<boolean> {
  const { records } = await directory.records({ shard, from, limit: 1 })
  const [record] = records
  return record !== undefined && record.at < at
}
