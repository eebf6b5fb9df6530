/**
 * `--disclosures` with the address of a gate: everything the key may open of the logs under audit, read page by page into a
 * file of this user's alone, which is gone when the audit is over.
 *
 * What an earlier audit remembered (`--state`) is not read again. Gates with several logs number them, and the origin of
 * each ends with its number. From: commands/log-audit.ts.
 */
import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { incomplete } from '../failure.ts'
import { type GateClient, gateClient } from '../gate-client.ts'
import { plural, type Session } from '../session.ts'
import { openStateFile } from './audit-state-read.ts'
import { keysByOrigin } from './named-logs.ts'
import { recordPage } from './record-pages.ts'

export interface DisclosingOptions {
  readonly vkey: readonly string[]
  readonly key?: string
  readonly state?: string
  readonly disclosures?: string
  readonly shard?: string
  readonly predecessor?: string
}

export interface GatheredDisclosures {
  /** `disclosures` as a file, where it was an address. */
  readonly options: { readonly disclosures?: string }
  /** Removes what was written. */
  close(): Promise<void>
}

/** Nothing for a file, or for none. */
export async function gatherDisclosures(
  session: Session,
  options: DisclosingOptions,
): Promise<GatheredDisclosures> {
  const { disclosures: url, key } = options
  if (url === undefined || !/^https?:/i.test(url))
    return { options: {}, close: async () => undefined }
  if (options.predecessor !== undefined)
    session.warn('chains of the closed log stay unopened: a gate discloses records of its own logs')
  const client = await gateClient(session, { url, ...(key === undefined ? {} : { key }) })
  const dir = await mkdtemp(join(tmpdir(), 'livegate-disclosed-'))
  const close = (): Promise<void> => rm(dir, { recursive: true, force: true })
  try {
    const path = join(dir, 'disclosures.jsonl')
    await download(session, { client, path }, options)
    return { options: { disclosures: path }, close }
  } catch (thrown) {
    await close()
    throw thrown
  }
}

async function download(
  session: Session,
  to: { readonly client: GateClient; readonly path: string },
  options: DisclosingOptions,
): Promise<void> {
  const { vkey, shard } = options
  const origins = [...keysByOrigin(vkey).keys()]
  const sizes = await sizesIn(session, options.state)
  const file = await open(to.path, 'wx', 0o600)
  const progress = session.progress('reading disclosures', null)
  let done = 0
  try {
    for (const origin of origins) {
      const which = shardOf(origin, { shard, alone: origins.length === 1 })
      for (let from: number | null = sizes.get(origin) ?? 0; from !== null; ) {
        if (session.world.signal.aborted)
          throw incomplete('Cannot finish audit: it was interrupted')
        const { records, next } = await recordPage(to.client, which, from)
        await file.writeFile(
          records.map(({ record }) => `${JSON.stringify({ record })}\n`).join(''),
        )
        done += records.length
        from = next
        progress.update(done)
      }
    }
  } finally {
    progress.end()
    await file.close()
  }
  session.say(`the gate disclosed ${plural(done, 'record')}`)
}

/** Entries audited before, by origin. */
async function sizesIn(
  session: Session,
  state: string | undefined,
): Promise<ReadonlyMap<string, number>> {
  const file = state === undefined ? null : await openStateFile(session.path(state))
  if (file === null) return new Map()
  try {
    return new Map(
      [...file.logs].map(
        ([
          origin,
          {
            state: { size },
          },
        ]) => [origin, size],
      ),
    )
  } finally {
    await file.close()
  }
}

/** A gate with one log is not asked for a number. */
function shardOf(
  origin: string,
  { shard, alone }: { readonly shard: string | undefined; readonly alone: boolean },
): string {
  const number = shard !== undefined && alone ? shard : (/\/([0-9]{1,4})$/.exec(origin)?.[1] ?? '0')
  return alone && shard === undefined && Number(number) === 0 ? '' : `shard=${number}&`
}
