/**
 * The life of broadcasts as simply as it can be said, to hold the gate to: who is struck, what runs, what is being cut.
 *
 * Knows nothing of records, turns or storage. A policy is one of two: strikes deny, or they do not.
 */
import { MINUTE } from './gate.ts'

export const LEASE: number = 240 * MINUTE
const CUT_FOR: number = 5 * MINUTE

export interface ModelBroadcast {
  readonly id: string
  readonly host: string
  readonly cohosts: readonly string[]
  /** Null for one of no media server. */
  readonly session: string | null
  lease_until: number
  cutting: { readonly since: number; readonly until: number } | null
}

export class Model {
  now: number = 0
  strict: boolean = true
  readonly strikes: Map<string, number> = new Map()
  all: ModelBroadcast[] = []

  denies(subjects: readonly string[]): boolean {
    return this.strict && subjects.some((subject) => (this.strikes.get(subject) ?? 0) > 0)
  }

  runs({ cutting, lease_until }: ModelBroadcast): boolean {
    return cutting === null && lease_until > this.now
  }

  /** Still to be stopped. */
  isCut({ cutting }: ModelBroadcast): boolean {
    return cutting !== null && cutting.until > this.now
  }

  find(id: string): ModelBroadcast | undefined {
    return this.all.find((one) => one.id === id && (this.runs(one) || this.isCut(one)))
  }

  /** Of a session: the newest. */
  ofSession(host: string, session: string): ModelBroadcast | undefined {
    return this.all.findLast((one) => one.host === host && one.session === session)
  }

  drop(gone: ModelBroadcast | undefined): void {
    this.all = this.all.filter((one) => one !== gone)
  }

  /** What is let start takes the place of what the same session, or the same stream of no session, ran. */
  open(id: string, who: Pick<ModelBroadcast, 'host' | 'cohosts' | 'session'>): void {
    this.all = this.all.filter(
      (one) =>
        one.host !== who.host ||
        one.session !== who.session ||
        (who.session === null && one.cutting !== null),
    )
    this.all.push({ id, ...who, lease_until: this.now + LEASE, cutting: null })
  }

  /** It ran, and may not. */
  refuseLate(id: string, who: Pick<ModelBroadcast, 'host' | 'session'>): void {
    const { now } = this
    // The server lists what it runs: a session it lists again is the one that is to be cut now.
    this.all = this.all.filter((one) => one.host !== who.host || one.session !== who.session)
    const cutting = { since: now, until: now + CUT_FOR }
    this.all.push({ id, ...who, cohosts: [], lease_until: now, cutting })
  }

  /** True when it has to stop from now on. */
  look(one: ModelBroadcast): boolean {
    if (!this.runs(one) || !this.denies([one.host, ...one.cohosts])) return false
    const { now } = this
    one.cutting = { since: now, until: Math.max(one.lease_until, now + CUT_FOR) }
    one.lease_until = now
    return true
  }

  renew(one: ModelBroadcast): 'renewed' | 'revoked' | 'unchanged' {
    if (this.look(one)) return 'revoked'
    const lease_until = this.now + LEASE
    if (lease_until - one.lease_until < LEASE / 16) return 'unchanged'
    one.lease_until = lease_until
    return 'renewed'
  }

  strike(subject: string): readonly string[] {
    this.strikes.set(subject, (this.strikes.get(subject) ?? 0) + 1)
    return this.all
      .filter((one) => one.host === subject || one.cohosts.includes(subject))
      .filter((one) => this.look(one))
      .map(({ id }) => id)
  }

  sweep(): void {
    for (const one of this.all) this.look(one)
  }
}
