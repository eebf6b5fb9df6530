/**
 * Memory of `log audit` by the size of the log and the number of subjects, and the time of one with nothing new in it.
 *
 * Logs are made without signing, as the audits leave signatures out; every chain is opened, a heartbeat stands after 16,384
 * records. Each audit is a process of its own, which says the most it had resident. Two logs with the same subjects show
 * what a record costs, two of the same size what a subject costs. Budgets: less than 500 MiB with 10,000,000 records, and
 * less than a second with nothing new. A million records take 2.5 GB of the temporary directory.
 * Run: node bench/audit-memory.ts [records] [subjects]
 */
import { execFileSync } from 'node:child_process'
import { hash } from 'node:crypto'
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { runAudit, threadsFor } from '../src/cli/log/audit-run.ts'
import { openStateFile } from '../src/cli/log/audit-state-read.ts'
import { createStateWriter } from '../src/cli/log/audit-state-write.ts'
import { NO_DISCLOSURES, readDisclosures } from '../src/cli/log/disclosures.ts'
import { nodeHasher } from '../src/cli/log/ed25519.ts'
import { logKeyOf, readHead } from '../src/cli/log/head.ts'
import { directorySource } from '../src/cli/log/source.ts'
import { OutsideRecords } from '../src/cli/log/witnessed-records.ts'
import { Chains } from '../src/core/audit/chains.ts'
import { Findings } from '../src/core/audit/findings.ts'
import { textFromBase64Url, textToBase64Url } from '../src/core/encoding.ts'
import { leafOf } from '../src/core/record/hashing.ts'
import { epochMs } from '../src/core/time.ts'
import { type Edge, emptyEdge } from '../src/core/tlog/edge.ts'
import { grow } from '../src/core/tlog/grow.ts'
import { rowRoot } from '../src/core/tlog/hash.ts'
import { makeEntries, ORIGIN, signedCheckpoint, VKEY } from '../tests/cli/a-log.ts'

const BATCH: number = 256 * 64
const LIMIT = { bytes: 4 * 1024 ** 3, line_bytes: 256 * 1024 * 1024 }

interface Size {
  readonly records: number
  readonly subjects: number
}

/** Writes a log of decisions that differ in id, digests and chain alone, and the file that opens their chains. */
async function makeLog(dir: string, { records, subjects }: Size): Promise<void> {
  const made = await makeEntries({ decisions: 1 })
  const [decision, heartbeat] = made.slice(-2)
  if (decision === undefined || heartbeat === undefined)
    throw new TypeError('there is nothing to copy')
  const write = createCopier(decision.jws, subjects)
  const before = made.slice(0, -2).map(({ bytes }) => bytes)
  const beat = createHeart(heartbeat.jws, before.length)
  let beats = 0
  const lines: string[] = []
  let edge: Edge = emptyEdge()
  let root: Uint8Array = new Uint8Array(0)
  for (let done = 0; done < records; done = edge.size) {
    const added = done === 0 ? [...before] : [beat(done, beats++)]
    while (added.length < BATCH && done + added.length < records) {
      const copy = write(done + added.length - before.length - beats)
      added.push(copy.bytes)
      lines.push(copy.line)
    }
    const leaves = added.map((bytes) => leafOf(bytes, nodeHasher))
    const grown = grow({ edge, leaves, entries: { unfinished: [], added }, ...HASHING })
    for (const { path, bytes } of grown.tiles) writeInto(join(dir, path), bytes)
    edge = grown.edge
    root = grown.root
    appendFileSync(join(dir, DISCLOSURES), lines.splice(0).join(''))
  }
  writeFileSync(join(dir, 'checkpoint'), await signedCheckpoint(records, root))
}

const HASHING = {
  hashEntry: (entry: Uint8Array): Uint8Array => leafOf(entry, nodeHasher),
  hashTile: (tile: Uint8Array): Uint8Array => rowRoot(tile, nodeHasher.digest),
}
const DISCLOSURES = 'chains.jsonl'

function writeInto(path: string, bytes: Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, bytes)
}

interface Copy {
  readonly bytes: Uint8Array
  readonly line: string
}

/** Copies of a decision, of each subject in turn; heads of chains are kept end to end. */
function createCopier(jws: string, subjects: number): (i: number) => Copy {
  const [header = '', payload = ''] = jws.split('.')
  const claims = JSON.parse(textFromBase64Url(payload) ?? '') as {
    readonly iat: number
    readonly _sd: readonly string[]
  }
  const heads = Buffer.alloc(32 * subjects)
  const others = claims._sd.slice(1)
  const at = 1000 * claims.iat
  return (i) => {
    const n = i % subjects
    const seq = Math.floor(i / subjects) + 1
    const head = heads.subarray(32 * n, 32 * (n + 1))
    const prev = seq === 1 ? null : head.toString('base64url')
    const chain = { sub: id('subject', n), seq, prev, at }
    const opening = textToBase64Url(`["${id('salt', i)}","chain",${JSON.stringify(chain)}]`)
    const _sd = [...others, nodeHasher.digestText(opening)].sort()
    const text = JSON.stringify({ ...claims, jti: id('record', i), _sd })
    // Signatures are left out, yet disclosures are found by them.
    const own = hash('sha512', `signature ${i}`, 'base64url')
    const copy = `${header}.${textToBase64Url(text)}.${own}`
    const bytes = new Uint8Array(Buffer.from(copy, 'latin1'))
    head.set(leafOf(bytes, nodeHasher))
    return { bytes, line: `{"record":"${copy}~${opening}~"}\n` }
  }
}

/** Copies of a heartbeat, each about everything since the one before; `others` entries are no decisions. */
function createHeart(jws: string, others: number): (size: number, beats: number) => Uint8Array {
  const [header = '', payload = ''] = jws.split('.')
  const claims = JSON.parse(textFromBase64Url(payload) ?? '') as { readonly totals: object }
  let covered = 0
  return (size, beats) => {
    const first = covered === 0
    const beaten = first ? 0 : 1
    const decision = size - covered - (first ? others : beaten)
    const own = first ? { ...claims.totals, decision } : { decision, heartbeat: beaten }
    const told = { ...claims, jti: id('beat', beats), from_index: covered, to_index: size }
    covered = size
    const text = JSON.stringify({ ...told, totals: own })
    const signature = hash('sha512', `beat ${beats}`, 'base64url')
    return new Uint8Array(Buffer.from(`${header}.${textToBase64Url(text)}.${signature}`, 'latin1'))
  }
}

/** 22 characters of base64url, of 16 bytes. */
function id(what: string, i: number): string {
  return Buffer.from(hash('sha256', `${what} ${i}`, 'buffer').subarray(0, 16)).toString('base64url')
}

interface Measured {
  readonly ms: number
  /** Processor time of the whole process, milliseconds: holds on a busy machine too. */
  readonly cpu_ms: number
  readonly rss_mib: number
  readonly main_mib: number
}

/** In a process of its own: audits everything after the state in the file, or everything, and then writes that. */
async function audited(dir: string, resumed: boolean): Promise<Measured> {
  const started = performance.now()
  const source = directorySource(dir, dir)
  const head = await readHead(source, logKeyOf(VKEY))
  const path = join(dir, 'state')
  const file = resumed ? await openStateFile(path) : null
  const stored = file?.logs.get(ORIGIN)
  const state = stored?.state ?? null
  const trusted = state === null ? null : head
  const run = await runAudit({
    ...{
      source,
      head,
      trusted,
      state,
      chains: stored?.chains ?? null,
      origin: ORIGIN,
      predecessor: null,
      now_s: null,
    },
    ...{ signatures: false, replay: true, threads: threadsFor(head.size - (state?.size ?? 0)) },
    disclosures: resumed ? NO_DISCLOSURES : readDisclosures(join(dir, DISCLOSURES)),
    outside: new OutsideRecords(),
    signal: new AbortController().signal,
    onProgress: () => undefined,
  })
  const { clean, findings, counts } = run.report
  if (!clean) throw new Error(`the bench log is not clean: ${findings[0]?.message}`)
  if (counts.chain_unopened > 0) throw new Error('the bench did not open every chain')
  const after = run.toKeep()
  if (after !== null && !resumed) {
    const writer = await createStateWriter(path, LIMIT)
    await writer.add(head, after.state, after.chains)
    await writer.commit()
  }
  await file?.close()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  const { user, system } = process.cpuUsage()
  return {
    ms: Math.round(performance.now() - started),
    cpu_ms: Math.round((user + system) / 1000),
    rss_mib: Math.round(process.resourceUsage().maxRSS / 1024),
    main_mib: Math.round((heapUsed + arrayBuffers) / 1024 ** 2),
  }
}

/** What this file prints in a process of its own. */
function alone(...args: readonly string[]): string {
  return execFileSync(process.execPath, [import.meta.filename, ...args], { encoding: 'utf8' })
}

function inProcess(dir: string, resumed: boolean): Measured {
  return JSON.parse(alone('--audit', dir, ...(resumed ? ['resumed'] : []))) as Measured
}

/** Makes the log in a temporary directory, audits it whole and then with nothing new, and removes it. */
async function measure(size: Size): Promise<object> {
  const dir = mkdtempSync(join(tmpdir(), 'livegate-audit-memory-'))
  try {
    await makeLog(dir, size)
    const whole = inProcess(dir, false)
    return { ...size, whole, nothing_new: inProcess(dir, true) }
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

/** Bytes the audit of chains holds for each of many chains with so many records, all growing together; by itself. */
function chainBytes(records: number, count = 200_000): number {
  const leaf = hash('sha256', 'a leaf', 'base64url')
  const before = process.memoryUsage()
  const chains = new Chains()
  const findings = new Findings()
  for (let seq = 1; seq <= records; seq++)
    for (let n = 0; n < count; n++) {
      const chain = { sub: id('subject', n), seq, prev: seq === 1 ? null : leaf, at: epochMs(seq) }
      chains.link({ index: n, leaf, chain }, findings)
    }
  if (findings.totals().findings > 0) throw new Error('the chains of the bench are not right')
  if (chains.counts().subjects !== count) throw new Error('there are other chains than made')
  return Math.round((process.memoryUsage().arrayBuffers - before.arrayBuffers) / count)
}

/** A tenth of both, a tenth of the records, and all: what a subject costs, and that a record costs nothing. */
async function main([records = 400_000, subjects = 100_000]: readonly number[]): Promise<void> {
  const sizes = [
    { records: Math.ceil(records / 10), subjects: Math.ceil(subjects / 10) },
    { records: Math.ceil(records / 10), subjects },
    { records, subjects },
  ]
  const chain_bytes = Object.fromEntries(
    [1, 6, 11, 16, 40].map((many) => [many, JSON.parse(alone('--chain', String(many))) as number]),
  )
  console.log(JSON.stringify({ chain_bytes_by_records: chain_bytes }))
  for (const size of sizes) console.log(JSON.stringify(await measure(size)))
}

const [, , first, dir = '', resumed] = process.argv
if (import.meta.main && first === '--audit')
  console.log(JSON.stringify(await audited(dir, resumed !== undefined)))
else if (import.meta.main && first === '--chain')
  console.log(chainBytes(Number(dir), resumed === undefined ? undefined : Number(resumed)))
else if (import.meta.main) await main(process.argv.slice(2).map(Number))
