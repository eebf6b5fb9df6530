/**
 * Replay as one part of an audit: derives opened decisions again, follows chains, and adds up what was done.
 *
 * Deriving may happen elsewhere (`rederive` in threads, over `book`), following never: it needs the order of the log. Without
 * replay everything here does nothing, and the report says so. Next: rederive.ts, chain-replay.ts.
 */
import type { IncidentFacts } from '../../model.ts'
import type { ChainGroup } from '../../record/groups.ts'
import type { ChainKind } from '../../record/kinds.ts'
import type { Findings } from '../findings.ts'
import type { Evaluation, ReplayPart } from '../scan.ts'
import { ChainReplay, type ChainReplayCounts, type ReplaySources } from './chain-replay.ts'
import { type LogBook, LogPlans } from './log-plans.ts'
import { type ReplayResult, rederive } from './rederive.ts'
import type { ChainReplayState, PackedMemory } from './replay-state.ts'

export type ReplayCounts = Omit<ReplayResult, 'findings'> & ChainReplayCounts

/** A new link of a chain, and what was opened of it. */
export interface ReplayLink {
  readonly index: number
  readonly leaf: string
  readonly chain: ChainGroup
  readonly kind: ChainKind
  readonly gap: boolean
  readonly before: number | null
  readonly replay: ReplayPart | undefined
  readonly evaluated: Evaluation | undefined
}

export interface ReplayParts {
  readonly sources: ReplaySources
  readonly state: ChainReplayState | undefined
  /** Chains there are already may not have been replayed. */
  readonly strangers: boolean
  /** What is wrong with what a decision of this instant saw of incident mode; null for nothing. */
  readonly incident: (seen: IncidentFacts, at: number) => string | null
  /** Everything decisions follow from, as far as the log has been read. */
  readonly book: () => LogBook
}

export class AuditReplay {
  readonly #chains: ChainReplay
  readonly #plans = new LogPlans()
  readonly #makeBook: () => LogBook
  readonly #incident: ReplayParts['incident']
  #book: LogBook | null = null
  #derived = { replayed: 0, other_engine: 0, without_policy: 0 }

  constructor({ sources, state, strangers, book, incident }: ReplayParts) {
    this.#chains = new ChainReplay(sources, state, strangers)
    this.#makeBook = book
    this.#incident = incident
  }

  link(link: ReplayLink, findings: Findings): void {
    const { replay, evaluated, index } = link
    const { trace = null, instant = null, lacks } = replay ?? {}
    if (instant !== null) findings.add('instant_false', index, instant)
    if (lacks !== undefined) findings.add('renewal_incomplete', index, lacks)
    if (trace?.is === 'evaluated') {
      const why = this.#incident(trace.incident, link.chain.at)
      if (why !== null) findings.add('incident_false', index, why)
    }
    this.#chains.follow(link, trace, findings)
    if (evaluated === undefined) return
    this.#plans.learn(this.book())
    this.add(rederive([{ ...evaluated, index }], this.#plans), findings)
  }

  /** What was derived elsewhere. */
  add(result: ReplayResult, findings: Findings): void {
    this.#derived.replayed += result.replayed
    this.#derived.other_engine += result.other_engine
    this.#derived.without_policy += result.without_policy
    for (const { code, index, message } of result.findings) findings.add(code, index, message)
  }

  /** A policy text or an activation came. */
  changed(): void {
    this.#book = null
  }

  /** The same object until something comes. */
  book(): LogBook {
    this.#book ??= this.#makeBook()
    return this.#book
  }

  /** Contents of these strikes, by leaf, are gone; `null`: everything of the chain. */
  erased(sub: string, strikes: readonly string[] | null): void {
    if (strikes === null) this.#chains.forget(sub)
    else this.#chains.removed(sub, strikes)
  }

  /** Goes on with the chains of the log before. */
  take(state: ChainReplayState | undefined): void {
    this.#chains.take(state)
  }

  /** What an earlier audit remembered of a chain. Before any record. */
  adopt(sub: string, memory: PackedMemory): void {
    this.#chains.adopt(sub, memory)
  }

  /** As `adopt` takes it; undefined for nothing. */
  memoryOf(sub: string): PackedMemory | undefined {
    return this.#chains.memoryOf(sub)
  }

  state(parts: { readonly chains?: boolean } = {}): ChainReplayState {
    return this.#chains.state(parts)
  }

  counts(): ReplayCounts {
    return { ...this.#derived, ...this.#chains.counts() }
  }
}
