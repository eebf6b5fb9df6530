/**
 * One decision out of a log into one file: survey, search for strikes, proofs over proven tiles, and a check of the result.
 *
 * The core decides what belongs into the file and how it is spelled; here are only reading and the order of things.
 */

import type { SignedHead } from '../../core/audit/tree.ts'
import { fromAscii, utf8 } from '../../core/encoding.ts'
import { buildEvidence } from '../../core/evidence/build.ts'
import { chosen, EvidenceSurvey, reliedStrikes, StrikeSearch } from '../../core/evidence/collect.ts'
import { type EvidenceReport, verifyEvidence } from '../../core/evidence/verify.ts'
import { openDisclosures } from '../../core/record/disclosure.ts'
import type { GroupName } from '../../core/record/kinds.ts'
import { parseRecord } from '../../core/record/parse.ts'
import { openCheckpoint } from '../../core/tlog/checkpoint.ts'
import type { NoteVerifier } from '../../core/tlog/note.ts'
import { hashReaderOverTiles } from '../../core/tlog/tile-reader.ts'
import { CliFailure, EXIT, incomplete } from '../failure.ts'
import { quote } from '../session.ts'
import { nodeHasher, verifyEd25519 } from './ed25519.ts'
import { eachEntry, type Opener, type ProvenLog } from './evidence-source.ts'
import { type LogKey, logKeyOf } from './head.ts'
import type { LogSource } from './source.ts'
import { openVerifiedTiles } from './verified-tiles.ts'

export interface ExportRequest {
  readonly decision: string
  readonly source: LogSource
  readonly key: LogKey
  /** Verifier keys as written. */
  readonly vkeys: readonly string[]
  readonly head: SignedHead
  readonly since: SignedHead | null
  readonly witnesses: readonly { readonly vkey: string; readonly verifier: NoteVerifier }[]
  readonly open: readonly GroupName[]
  readonly opener: Opener & { readonly fetchStrikes?: () => Promise<void> }
  readonly signal: AbortSignal
}

export interface Exported {
  readonly file: string
  readonly report: EvidenceReport
  readonly entries: number
  /** Strikes it rests on without a record in the file. */
  readonly strikes_missing: number
  /** Groups asked for that nobody disclosed of the decision. */
  readonly not_disclosed: readonly GroupName[]
}

interface Taken {
  readonly index: number
  readonly jws: string
  readonly disclosures: readonly string[]
}

/** The bundle and what a reader with the same keys will be told of it. */
export async function exportEvidence(request: ExportRequest): Promise<Exported> {
  const { source, head, signal, opener, since } = request
  if (since !== null && since.size > head.size)
    throw incomplete(
      `Cannot prove consistency: the checkpoint of --since has ${since.size} entries, the log ${head.size}`,
      'bring the mirror up to date; a log that itself has become smaller was set back: keep both notes',
    )
  const tiles = await openVerifiedTiles(source, head)
  const log = { source, size: head.size, tiles, signal }
  const survey = new EvidenceSurvey(request.decision)
  await eachEntry(
    log,
    () => true,
    (index, bytes) => survey.entry(index, bytes),
  )
  const { decision, indexes, erasures } = survey.end()
  if (decision === null)
    throw incomplete(
      `Cannot find decision ${quote(request.decision)} in ${quote(source.name)}`,
      'a gate that has several logs keeps it in one of them; a new one is there after a second',
    )
  const relied = openedStrikes(request, decision.jws)
  if (relied.size > 0) await opener.fetchStrikes?.()
  // Which chain is the decision's is told to whoever may know its place in one.
  const sub = request.open.includes('chain') ? subOf(request, decision.jws) : undefined
  const all = new Set([...indexes, ...(erasures.get(sub ?? '') ?? [])])
  const { taken, missing } = await take(request, log, { indexes: all, relied })
  const file = await buildEvidence({
    ...{ decision: decision.index, records: taken },
    checkpoint: head,
    ...{ since, vkeys: await signing(request), witnesses: await cosigning(request) },
    hashes: hashReaderOverTiles((tile) => tiles.tile(tile.level, tile.index), head.size),
  })
  const report = await checked(request, file)
  const opened: object = report.decision?.disclosed ?? {}
  return {
    ...{ file, report },
    not_disclosed: request.open.filter((group) => !(group in opened)),
    entries: taken.length,
    strikes_missing: missing,
  }
}

/** The pseudonym of the decision's chain, as far as somebody has its disclosures. */
function subOf({ opener }: ExportRequest, jws: string): string | undefined {
  const parsed = parseRecord(jws)
  const disclosures = opener.of(utf8(jws))
  if (!parsed.ok || disclosures === undefined) return undefined
  const opened = openDisclosures(parsed.value, disclosures, nodeHasher)
  return opened.ok ? opened.value.chain?.sub : undefined
}

/** Ids of the strikes to look for; none when nobody has the decision's disclosures. */
function openedStrikes({ opener, open }: ExportRequest, jws: string): ReadonlySet<string> {
  const disclosures = opener.of(utf8(jws))
  if (disclosures === undefined)
    throw incomplete(
      'Cannot open the decision: there are no disclosures of it',
      'give --disclosures FILE (from `livegate log disclosures`), or --url and a key with scope audit; --open none leaves everything closed',
    )
  const parsed = parseRecord(jws)
  if (!parsed.ok) return new Set()
  const opened = openDisclosures(parsed.value, disclosures, nodeHasher)
  return opened.ok ? reliedStrikes(opened.value, open.includes('facts')) : new Set()
}

/** The records that belong into the file, with what is opened of each. */
async function take(
  { opener, open }: ExportRequest,
  log: ProvenLog,
  {
    indexes,
    relied,
  }: {
    readonly indexes: ReadonlySet<number>
    readonly relied: ReadonlySet<string>
  },
): Promise<{ readonly taken: readonly Taken[]; readonly missing: number }> {
  const taken: Taken[] = []
  const search = new StrikeSearch(relied, nodeHasher)
  const places = [...indexes].toSorted((a, b) => a - b)
  const wanted = (first: number, after: number): boolean =>
    relied.size > 0 || places.some((index) => index >= first && index < after)
  await eachEntry(log, wanted, (index, bytes) => {
    if (indexes.has(index)) {
      const jws = fromAscii(bytes) ?? ''
      const given = opener.of(bytes) ?? []
      taken.push({ index, jws, disclosures: chosen('decision', given, open) })
      return
    }
    if (relied.size === 0) return
    const found = search.entry(bytes, () => opener.of(bytes))
    if (found === null) return
    taken.push({ index, jws: found.jws, disclosures: chosen('strike', found.disclosures, open) })
  })
  return { taken, missing: search.missing() }
}

/** Those of the verifier keys given that have signed this checkpoint: of a log whose key changes, one or both. */
async function signing({ head, key, vkeys }: ExportRequest): Promise<readonly string[]> {
  const signed: string[] = []
  for (const vkey of new Set(vkeys)) {
    const { verifiers } = logKeyOf(vkey)
    const opened = await openCheckpoint({ note: head.note, origin: key.origin, verifiers })
    if (opened.ok) signed.push(vkey)
  }
  return signed
}

/** Those of the witnesses given that have cosigned this checkpoint. */
async function cosigning({ head, key, witnesses }: ExportRequest): Promise<readonly string[]> {
  const verifiers = witnesses.map(({ verifier }) => verifier)
  const opened = await openCheckpoint({ note: head.note, ...key, witnesses: verifiers })
  if (!opened.ok)
    throw new CliFailure(EXIT.verification, 'Cannot use the checkpoint: a cosignature is false')
  return witnesses
    .filter(({ verifier }) =>
      opened.value.cosignatures.some(
        ({ name, keyId }) => name === verifier.name && keyId === verifier.keyId,
      ),
    )
    .map(({ vkey }) => vkey)
}

/** As a reader would: disclosures that are not the records' never become a file. */
async function checked({ key, witnesses }: ExportRequest, file: string): Promise<EvidenceReport> {
  const report = await verifyEvidence({
    ...{ bytes: utf8(file), ...key, verifyEd25519, hasher: nodeHasher },
    witnesses: witnesses.map(({ verifier }) => verifier),
  })
  if (report.verdict !== 'altered') return report
  const [fault] = report.faults
  throw new CliFailure(
    EXIT.verification,
    `Cannot trust the disclosures of entry ${fault?.index ?? 0}: ${fault?.message ?? ''}`,
    'they are not what the record commits to; export them again',
  )
}
