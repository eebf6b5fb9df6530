/**
 * After something changed about a subject: everything it broadcasts, or has joined, is looked at again.
 *
 * What has to be looked at was marked in the very commit of the change, so nothing is forgotten: what fails here keeps its
 * mark, and whoever comes next (a retry, the host's timer, the next start) does it. Never inside a turn: each broadcast is
 * looked at in the turn of its own host, with its co-hosts. Next stop: renewal.ts.
 */
import { LivegateError } from '../core/errors.ts'
import type { SubjectId } from '../core/model.ts'
import type { OpenBroadcast, RecheckCause, SubjectState } from '../ports.ts'
import { endOf } from './broadcast-port.ts'
import { subjectOfBroadcast } from './broadcasts.ts'
import { type Context, change, instantFor } from './context.ts'
import { renewAlone } from './renewal.ts'
import { loadTold } from './ungated.ts'

/** What becomes of a broadcast that a change reached. `gone`: it no longer runs. */
export type HostRecheck = 'revoked' | 'unchanged' | 'gone'

/** Of the time a change has, how much its answer waits for what follows from it. */
const SHARE = 1 / 2

const UNHURRIED = { gone: false }

/** Looks at all of it, or at what is marked. Never rejects. */
export async function recheckSubject(
  context: Context,
  subject: SubjectId,
  { cause, only_marked }: { readonly cause: RecheckCause; readonly only_marked: boolean },
): Promise<readonly string[]> {
  const revoked: string[] = []
  const only = only_marked ? isMarked : () => true
  await recheckInto(context, { subject, cause, revoked, only })
  return revoked
}

function isMarked({ recheck }: OpenBroadcast): boolean {
  return recheck !== undefined
}

/** True when the change that marked something may have something to end. */
export function hasMarked({ broadcasts }: SubjectState): boolean {
  return broadcasts.length > 0
}

/**
 * Looks at what a change marked, for a while: what takes longer goes on unheard. Ids of what has to stop, as far as known.
 */
export async function recheckMarked(
  context: Context,
  subject: SubjectId,
  cause: RecheckCause,
): Promise<readonly string[]> {
  const revoked: string[] = []
  const work = recheckInto(context, { subject, cause, revoked, only: isMarked })
  await new Promise<void>((resolve) => {
    const cancel = context.after(context.settings.budget_ms * SHARE, resolve)
    void work.finally(() => {
      cancel()
      resolve()
    })
  })
  return [...revoked]
}

interface Recheck {
  readonly subject: SubjectId
  readonly cause: RecheckCause
  readonly revoked: string[]
  readonly only: (open: OpenBroadcast) => boolean
}

/** Never rejects. */
async function recheckInto(context: Context, asked: Recheck): Promise<void> {
  const { subject, revoked } = asked
  try {
    const { broadcasts } = await context.ledger.load(subject)
    const now = context.clock.now()
    for (const open of broadcasts) {
      if (endOf(open) <= now) await forget(context, subject, open)
      else if (open.ungated !== undefined) await told(context, subject, open)
      if (open.cutting !== undefined || open.lease_until <= now || !asked.only(open)) continue
      if ((await recheckOne(context, asked, open)) === 'revoked') revoked.push(open.id)
    }
  } catch {
    context.observe({ type: 'left_to_lease', what: 'recheck' })
  }
}

/** What fails keeps its mark. */
async function recheckOne(
  context: Context,
  asked: Recheck,
  open: OpenBroadcast,
): Promise<HostRecheck> {
  try {
    // Not decided yet: whoever decides sees the change before its answer, and would be waited for in vain.
    if (open.role === 'cohost' && (await isPending(context, open.id))) return 'unchanged'
    return await context.lives.run(open.id, () => recheckAlone(context, asked, open.id), 'always')
  } catch {
    context.observe({ type: 'left_to_lease', what: 'recheck' })
    return 'unchanged'
  }
}

async function isPending(context: Context, id: string): Promise<boolean> {
  return context.recheckHost === undefined && (await context.directory.record(id)) === null
}

/** Somebody else may have done it meanwhile. */
async function recheckAlone(
  context: Context,
  { subject, cause, only }: Recheck,
  id: string,
): Promise<HostRecheck> {
  const { broadcasts } = await context.ledger.load(subject)
  const open = broadcasts.find((one) => one.id === id)
  if (open === undefined) return 'gone'
  if (open.cutting !== undefined) return 'revoked'
  if (!only(open)) return 'unchanged'
  if (open.role === 'host') return recheckHosted(context, subject, id, open.recheck ?? cause)
  const elsewhere = context.recheckHost
  const found = elsewhere === undefined ? await atHost(context, id) : await elsewhere(id)
  if (found === 'gone') await forget(context, subject, open)
  return found
}

/** A broadcast somebody here is host of, because of one of those who joined it. Rejects when that is not known. */
export function recheckAtHost(context: Context, broadcast: string): Promise<HostRecheck> {
  return context.lives.run(broadcast, () => atHost(context, broadcast), 'always')
}

async function atHost(context: Context, broadcast: string): Promise<HostRecheck> {
  const host = await subjectOfBroadcast(context, broadcast)
  // Not decided yet, or forgotten: either way it ends by itself.
  if (host === null) return 'unchanged'
  return recheckHosted(context, host, broadcast, 'cohost')
}

async function recheckHosted(
  context: Context,
  subject: SubjectId,
  broadcast: string,
  cause: RecheckCause,
): Promise<HostRecheck> {
  try {
    const request = { broadcast, caller: 'livegate', cause }
    const { event } = await renewAlone(context, subject, request, UNHURRIED)
    return event === 'revoked' ? 'revoked' : 'unchanged'
  } catch (error) {
    if (error instanceof LivegateError && error.code === 'conflict') return 'gone'
    throw error
  }
}

/** What is over needs no mark. */
async function forget(context: Context, subject: SubjectId, { id }: OpenBroadcast): Promise<void> {
  await context.turns.run(
    subject,
    async () => {
      const state = await context.ledger.load(subject)
      const found = state.broadcasts.find((open) => open.id === id)
      const at = instantFor(context, state)
      if (found === undefined || (found.role === 'host' && endOf(found) > at)) return
      await change(context, { subject, state, at, effects: { bumps_version: false, ends: id } })
    },
    'always',
  )
}

async function told(context: Context, subject: SubjectId, { id }: OpenBroadcast): Promise<void> {
  await context.turns.run(subject, () => loadTold(context, subject, id), 'always')
}
