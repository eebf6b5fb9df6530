/**
 * Follows every chain in the order of the log and holds what each decision saw against the records before it.
 *
 * A subject's own history is exact: decisions, strikes and reversals of one subject are serial, so facts list neither more
 * nor less than the chain. A co-host is visited before the decision, not with it, and on some hosts its records are in
 * another log: what became known of it within the last minute may be missing, anything older may not. Where something was
 * not opened, facts are believed once and held to from there. Memory: only chains with a strike, hold or review, or with
 * something unopened. Spec: docs/spec/record.md, "Auditing".
 */
import type { ChainGroup } from '../../record/groups.ts'
import type { ChainKind } from '../../record/kinds.ts'
import type { Findings } from '../findings.ts'
import {
  moved,
  type PlacedLeaf,
  unremembered,
  withRemoved,
  withReversal,
  withStrike,
} from './chain-events.ts'
import { judgeHolds, judgeReviews, withHold, withReview } from './holds.ts'
import { judgeKept, type Kept } from './kept.ts'
import { Lives } from './lives.ts'
import { OpenBroadcasts } from './open-broadcasts.ts'
import {
  type ChainMemory,
  type ChainReplayState,
  memoryOf,
  NOTHING_KNOWN,
  ONLY_EVALUATED,
  packMemory,
} from './replay-state.ts'
import { judgeStrikes, learnt, type StrikeView } from './strikes.ts'
import { type EvaluatedTrace, HASH_CHARS, type Trace } from './trace.ts'

/** A record as the audit of chains has placed it. */
export interface ReplayPlace {
  readonly index: number
  /** base64url. */
  readonly leaf: string
  readonly chain: ChainGroup
  /** Something of this chain before it was not opened. */
  readonly gap: boolean
  /** Instant of the chain's record before; null for its first. */
  readonly before: number | null
  readonly kind: ChainKind
}

/** What the replay asks the rest of the audit. */
export interface ReplaySources {
  /** Where a chain stands that has records here; null for one that has none. */
  readonly headOf: (sub: string) => { readonly at: number } | null
  /** First instant of a revision; null when that is not known. */
  readonly activeFrom: (revision: number) => number | null
  /** Seconds of the log's own time (log-time.ts) at the record at hand. */
  readonly logged: () => number
  /** The latest second an entry so far was signed in. */
  readonly latest: () => number
}

export interface ChainReplayCounts {
  /** Decisions and renewals whose history was followed. */
  readonly followed: number
  /** Those whose facts had to be believed, because something before them was not opened. */
  readonly believed: number
  /** Co-hosts whose strikes were held against their own chain, and those where that could not be done. */
  readonly cohosts: number
  readonly cohosts_unfollowed: number
  /** Holds that no audited record began. */
  readonly holds_elsewhere: number
}

/** What a co-host's history may lack: seconds pass between the visit and the record, clocks differ a little. */
const GRACE_S = 60

const MAX_LAST = 65_536

const SEEN: StrikeView['unseen'] = () => false

export class ChainReplay {
  readonly #sources: ReplaySources
  readonly #memories: Map<string, ChainMemory>
  readonly #open = new OpenBroadcasts()
  readonly #lives = new Lives()
  /** The newest record of the subjects that had one last. */
  readonly #last = new Map<string, { readonly at: number; readonly logged: number }>()
  /** Chains may go on from where nobody looked. */
  #strangers: boolean
  #followed = 0
  #believed = 0
  #cohosts = 0
  #unfollowed = 0
  #holdsElsewhere = 0

  /** `strangers`: chains there are already were not replayed. */
  constructor(sources: ReplaySources, state: ChainReplayState | undefined, strangers: boolean) {
    this.#sources = sources
    this.#memories = new Map(
      Object.entries(state?.chains ?? {}).map(([sub, packed]) => [sub, memoryOf(packed)]),
    )
    this.#strangers = strangers || state?.strangers === true
  }

  /** The next record of a chain; `trace` is null when its contents were not opened. */
  follow(place: ReplayPlace, trace: Trace | null, findings: Findings): void {
    this.#follow(place, trace, findings)
    const { sub, at } = place.chain
    this.#last.delete(sub)
    this.#last.set(sub, { at, logged: this.#sources.logged() })
    if (this.#last.size <= MAX_LAST) return
    const oldest = this.#last.keys().next().value
    if (oldest !== undefined) this.#last.delete(oldest)
  }

  #follow(place: ReplayPlace, trace: Trace | null, findings: Findings): void {
    const { sub, seq } = place.chain
    let memory = this.#memories.get(sub)
    if (this.#strangers && memory === undefined && seq === 1) {
      memory = NOTHING_KNOWN
      this.#memories.set(sub, memory)
    }
    const stranger = this.#strangers && memory === undefined
    if (place.gap || stranger)
      memory = this.#blind(sub, memory ?? (stranger ? NOTHING_KNOWN : unremembered(place.before)))
    if (memory === undefined && place.before === null && trace?.is !== 'evaluated') {
      memory = NOTHING_KNOWN
      this.#memories.set(sub, memory)
    }
    this.#lives.saw(sub, seq, trace !== null && !place.gap)
    const known = memory ?? unremembered(place.before)
    if (trace === null) {
      this.#open.forget(sub)
      if (place.kind !== 'decision' && place.kind !== 'broadcast') this.#blind(sub, known)
      return
    }
    switch (trace.is) {
      case 'evaluated':
        this.#evaluated(place, trace, known, findings)
        break
      case 'strike':
        this.#memories.set(sub, withStrike(known, trace.row, this.#placed(place), findings))
        break
      case 'reversal':
        this.#memories.set(sub, withReversal(known, trace.strike, this.#placed(place), findings))
        break
      case 'ended':
        this.#open.end(sub, trace.id)
        break
      case 'cut': {
        this.#open.end(sub, trace.id)
        const fault = this.#lives.cut(sub, place.chain.at, trace)
        if (fault !== null) findings.add('replay_cut', place.index, fault)
        break
      }
      case 'late':
        this.#lives.late(sub, trace.id)
        break
      case 'review': {
        const { is: _is, ...review } = trace
        this.#memories.set(sub, { ...known, reviews: withReview(known.reviews, review) })
        break
      }
    }
  }

  /** Contents of these strikes were removed: facts may lack them from now on. */
  removed(sub: string, leaves: readonly string[]): void {
    const memory = this.#memories.get(sub)
    if (memory !== undefined) this.#memories.set(sub, withRemoved(memory, leaves))
  }

  /** Nothing is asked of this chain any more. */
  forget(sub: string): void {
    this.#memories.delete(sub)
    this.#open.forget(sub)
    this.#lives.forget(sub)
  }

  /** What an earlier audit remembered of a chain. Before any record. */
  adopt(sub: string, packed: Packed): void {
    this.#memories.set(sub, memoryOf(packed))
  }

  /** What is remembered of a chain, as `adopt` takes it; undefined for nothing. */
  memoryOf(sub: string): Packed | undefined {
    const memory = this.#memories.get(sub)
    return memory === undefined ? undefined : packMemory(memory)
  }

  /** Goes on with the chains of a log that ended; undefined when they were not replayed. Before any record. */
  take(state: ChainReplayState | undefined): void {
    if (state === undefined || state.strangers === true) this.#strangers = true
    for (const [sub, packed] of Object.entries(state?.chains ?? {}))
      this.#memories.set(sub, moved(memoryOf(packed)))
  }

  /** `chains` false: without what is remembered of each. */
  state({ chains: each = true }: { readonly chains?: boolean } = {}): ChainReplayState {
    const chains = [...(each ? this.#memories : [])].map(
      ([sub, memory]): [string, ReturnType<typeof packMemory>] => [sub, packMemory(memory)],
    )
    const strangers = this.#strangers ? { strangers: true as const } : {}
    return { chains: Object.fromEntries(chains), ...strangers }
  }

  counts(): ChainReplayCounts {
    return {
      followed: this.#followed,
      believed: this.#believed,
      cohosts: this.#cohosts,
      cohosts_unfollowed: this.#unfollowed,
      holds_elsewhere: this.#holdsElsewhere,
    }
  }

  #blind(sub: string, memory: ChainMemory): ChainMemory {
    const blind = { ...memory, blind: true, partial: true }
    this.#memories.set(sub, blind)
    this.#open.forget(sub)
    return blind
  }

  #placed({ index, leaf, chain }: ReplayPlace): PlacedLeaf {
    return { index, at: chain.at, logged: this.#sources.logged(), leaf: leaf.slice(0, HASH_CHARS) }
  }

  #evaluated(
    place: ReplayPlace,
    trace: EvaluatedTrace,
    memory: ChainMemory,
    findings: Findings,
  ): void {
    const { index, chain } = place
    const { sub, at } = chain
    const view = { complete: !memory.blind, unseen: SEEN, whose: '' }
    const judged = judgeStrikes(memory.strikes, trace.strikes, view)
    for (const { code, message } of judged.faults) findings.add(code, index, message)
    this.#kept(place, { known: memory.kept, listed: trace.kept, whose: '' }, findings)
    const holds = judgeHolds(memory.blind ? [] : memory.holds, trace, { index })
    this.#holdsElsewhere += holds.elsewhere
    for (const { code, message } of holds.faults) findings.add(code, index, message)
    if (!memory.partial)
      for (const { code, message } of judgeReviews(memory.reviews, trace))
        findings.add(code, index, message)
    this.#broadcasts(place, trace, findings)
    this.#joined(place, trace, findings)
    this.#remember(place, trace, memory)
    if (memory.blind) this.#believed++
    else this.#followed++
    const fault = this.#lives.evaluated(sub, at, trace)
    if (fault !== null) findings.add('replay_recheck', index, fault)
    if (trace.again?.event === 'revoked') this.#open.end(sub, trace.again.broadcast)
    this.#open.begin(sub, at, trace)
  }

  #kept(
    { index, chain }: ReplayPlace,
    kept: { known: ChainMemory['kept']; listed: readonly Kept[] | undefined; whose: string },
    findings: Findings,
  ): void {
    const { known, listed = [], whose } = kept
    const view = { at: chain.at, latest_s: this.#sources.latest(), whose }
    for (const { code, message } of judgeKept(known, listed, view))
      findings.add(code, index, message)
  }

  #broadcasts({ index, chain }: ReplayPlace, trace: EvaluatedTrace, findings: Findings): void {
    if (trace.renews) return
    const least = this.#open.least(chain.sub, chain.at, trace)
    if (trace.open < least)
      findings.add(
        'broadcasts_false',
        index,
        `The facts count ${trace.open} open broadcasts; the chain says at least ${least}`,
      )
  }

  /** What is known after a decision: holds it began, and what it was believed for. */
  #remember(place: ReplayPlace, trace: EvaluatedTrace, memory: ChainMemory): void {
    const { index, chain } = place
    const fixed = memory.kept === null ? { ...memory, kept: trace.kept ?? [] } : memory
    let next = fixed
    if (memory.blind) {
      const { leaf: _leaf, ...placed } = this.#placed(place)
      const strikes = learnt(memory.strikes, trace.strikes, placed)
      next = { ...next, strikes, blind: false }
    }
    for (const { host, rule } of trace.began) {
      const own = host === 0
      const floor = own ? this.#floorOf(chain.sub) : null
      const hold = { stream: trace.stream, rule, at: chain.at, index, own, floor }
      if (own) next = { ...next, holds: withHold(next.holds, hold) }
      else this.#joinedHold(trace.cohosts[host - 1]?.sub, hold)
    }
    // That nothing was kept goes without saying (`unremembered`).
    const isNews = next !== fixed || trace.kept !== undefined || this.#memories.has(chain.sub)
    if (isNews) this.#memories.set(chain.sub, next)
  }

  /** Instant of the chain's record before, when that was logged long before. */
  #floorOf(sub: string): number | null {
    const last = this.#last.get(sub)
    return last !== undefined && last.logged + GRACE_S < this.#sources.logged() ? last.at : null
  }

  #joinedHold(sub: string | undefined, hold: Parameters<typeof withHold>[1]): void {
    if (sub === undefined || this.#sources.headOf(sub) === null) return
    const memory = this.#memories.get(sub)
    // Whoever is not followed here would be held to having nothing else.
    if (memory === undefined && this.#strangers) return
    const known = memory ?? ONLY_EVALUATED
    this.#memories.set(sub, { ...known, holds: withHold(known.holds, hold) })
  }

  #joined(place: ReplayPlace, trace: EvaluatedTrace, findings: Findings): void {
    if (trace.cohosts.length === 0) return
    const unseen = this.#unseenBy(place, trace)
    for (const [i, { sub, strikes, kept }] of trace.cohosts.entries()) {
      const known = this.#knownOf(sub)
      if (known === null) {
        this.#unfollowed++
        continue
      }
      const whose = ` of co-host ${i + 1}`
      this.#kept(place, { known: known.kept, listed: kept, whose }, findings)
      const view = { complete: known.complete, unseen, whose }
      const { faults, excused } = judgeStrikes(known.strikes, strikes, view)
      for (const { code, message } of faults) findings.add(code, place.index, message)
      if (excused === 0 && known.complete) this.#cohosts++
      else this.#unfollowed++
    }
  }

  /** Null for one with no chain here, or with one that goes on from where nobody looked. */
  #knownOf(
    sub: string,
  ): (Pick<ChainMemory, 'strikes' | 'kept'> & { readonly complete: boolean }) | null {
    if (this.#sources.headOf(sub) === null) return null
    const memory = this.#memories.get(sub)
    if (memory === undefined) return this.#strangers ? null : { ...ONLY_EVALUATED, complete: true }
    return { ...memory, complete: !memory.partial }
  }

  /**
   * What a decision may not have known of its co-hosts. Its instant is a clock's only when nothing put it later: neither a
   * record of its hosts nor the beginning of its revision.
   */
  #unseenBy({ chain, before }: ReplayPlace, trace: EvaluatedTrace): StrikeView['unseen'] {
    const { at } = chain
    const { headOf, activeFrom } = this.#sources
    const floors = trace.cohosts.map(({ sub }) => headOf(sub)?.at ?? 0)
    const begun = trace.revision === null ? 0 : (activeFrom(trace.revision) ?? at)
    const isClock = at > Math.max(before ?? 0, begun, ...floors)
    const now = this.#sources.logged()
    return (event) => !isClock || event.at + 1000 * GRACE_S >= at || event.logged + GRACE_S >= now
  }
}

type Packed = ReturnType<typeof packMemory>
