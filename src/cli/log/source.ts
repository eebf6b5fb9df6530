/**
 * Where the files of a log come from: a directory, or the address that stands before `checkpoint` and `tile/`.
 *
 * Only fetches; nothing read here is trusted. "Not there" is null, everything else that goes wrong ends the command
 * with exit code 1, because a broken network is not a lie of the log. Spec: C2SP tlog-tiles.
 */
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type BundleFault, decodeBundle, encodeBundle } from '../../core/tlog/bundle.ts'
import { HASH_BYTES } from '../../core/tlog/hash.ts'
import { TILE_WIDTH, type TileRef, tilePath } from '../../core/tlog/tile.ts'
import { type CliFailure, incomplete } from '../failure.ts'
import { readIfThere } from '../files.ts'
import { baseUrl, createGateClient, keyOf, problemFailure } from '../gate-client.ts'
import { quote, type Session } from '../session.ts'

export interface LogSource {
  /** As the person wrote it. */
  readonly name: string
  readonly remote: boolean
  /** Where its files are, when they are files: threads read those themselves. */
  readonly directory?: string
  /** A file below the log's prefix, or null when there is none. */
  read(path: string): Promise<Uint8Array | null>
}

/** A full bundle is at most 1.8 MB by livegate's limits; the format allows 16.8 MB. */
const MAX_FILE_BYTES: number = 17 * 1024 * 1024

export function isAddress(where: string): boolean {
  return /^https?:\/\//i.test(where)
}

/** The log at `where`: an address or a directory that exists. `key` as written, for private entries. */
export async function openSource(
  session: Session,
  where: string,
  key: string | undefined,
): Promise<LogSource> {
  if (isAddress(where)) return remoteSource(session, where, key ?? session.world.env.LIVEGATE_KEY)
  const root = session.path(where)
  if (!(await stat(root)).isDirectory())
    throw incomplete(`Cannot read log ${quote(where)}: it is a file, expected a directory`)
  return directorySource(root, where)
}

/** The log in a directory that exists; `name` as the person wrote it. */
export function directorySource(directory: string, name: string): LogSource {
  return {
    ...{ name, directory, remote: false },
    read: (path) => readIfThere(join(directory, path), MAX_FILE_BYTES),
  }
}

async function remoteSource(
  session: Session,
  where: string,
  key: string | undefined,
): Promise<LogSource> {
  const client = createGateClient(session.world, baseUrl(where), await keyOf(session, key))
  return {
    name: where,
    remote: true,
    async read(path) {
      const answer = await client.send({ method: 'GET', path: `/${path}` })
      if (answer.status === 200) {
        if (isPage(answer.bytes))
          throw incomplete(
            `Cannot read \`${path}\` of ${quote(where)}: it answers with a web page`,
            'is this the address of a log, before `/checkpoint`? a page says nothing about one',
          )
        return answer.bytes
      }
      if (answer.status === 404) return null
      throw problemFailure(answer, `read \`${path}\``)
    },
  }
}

/** HTML, whatever it is called: no file of a log begins like this. */
function isPage(bytes: Uint8Array): boolean {
  return /^\ufeff?\s*<(!doctype|html|head|body)\b/i.test(
    new TextDecoder().decode(bytes.subarray(0, 256)),
  )
}

/**
 * A tile or bundle as wide as asked: the file itself, or the beginning of the full one where the partial file is gone.
 * Null when neither is there.
 */
export async function readTile(source: LogSource, ref: TileRef): Promise<Uint8Array | null> {
  const bytes = await source.read(tilePath(ref))
  if (bytes !== null || ref.width === TILE_WIDTH) return bytes
  const full = await source.read(tilePath({ ...ref, width: TILE_WIDTH }))
  if (full === null) return null
  if (ref.kind === 'tile') return full.subarray(0, ref.width * HASH_BYTES)
  const entries = decodeBundle(full, TILE_WIDTH)
  return entries.ok ? encodeBundle(entries.value.slice(0, ref.width)) : full
}

/** As `readTile`, ending the command when the log does not have what its checkpoint says. */
export async function needTile(source: LogSource, ref: TileRef): Promise<Uint8Array> {
  const bytes = await readTile(source, ref)
  if (bytes !== null) return bytes
  throw incomplete(
    `Cannot read \`${tilePath(ref)}\` of ${quote(source.name)}: there is no such file`,
    source.remote
      ? 'a log that goes on refusing what its checkpoint covers fails its duty; keep the checkpoint'
      : 'complete the copy with `livegate log mirror`',
  )
}

/** Bytes that cannot be the tile or bundle asked for, whatever was signed: cut, too long, or a page for people. */
export function misshapen(source: LogSource, ref: TileRef, why: string): CliFailure {
  return incomplete(
    `Cannot use \`${tilePath(ref)}\` of ${quote(source.name)}: ${why}`,
    source.remote
      ? 'this says nothing about what the log has signed; a log that goes on serving it fails its duty: keep the checkpoint'
      : 'the copy was cut or damaged, which says nothing about the log: mirror it again',
  )
}

/** A file of entries that cannot be taken apart. */
export function notABundle(source: LogSource, ref: TileRef, fault: BundleFault): CliFailure {
  return misshapen(source, ref, `it is not ${ref.width} entries: ${fault.replaceAll('_', ' ')}`)
}

/** A hash tile of another length than it must have; null when it has that. */
export function wrongLength(source: LogSource, ref: TileRef, bytes: Uint8Array): CliFailure | null {
  const expected = ref.width * HASH_BYTES
  if (bytes.length === expected) return null
  return misshapen(source, ref, `it has ${bytes.length} bytes, expected ${expected}`)
}
