/**
 * Several addresses of one log, held against each other: whoever is shown another tree than somebody else is lied to.
 *
 * Heads are those the looks have verified, or trusted before where a look came to nothing; the smaller one is compared
 * over the tiles of the larger one's address. Only two signed notes make a lie. Next stop: core/monitor/compare.ts.
 */
import type { Look, Watch } from '../../core/monitor/watch.ts'
import { LookFailed } from './fetch.ts'
import { forked, type Head, type LookParts, openHead } from './look.ts'

/** An address that was looked at. */
export interface Site {
  readonly watch: Watch
  readonly look: Look
  readonly parts: LookParts
}

/** The looks, in order, with what follows from comparing them. */
export async function comparedSites(sites: readonly Site[]): Promise<readonly Look[]> {
  const looks = sites.map(({ look }) => look)
  for (const [i, one] of sites.entries())
    for (const [j, other] of sites.slice(0, i).entries()) {
      if (one.watch.origin === null || one.watch.origin !== other.watch.origin) continue
      const [mine, theirs] = await comparison(one, other)
      looks[i] = graver(looks[i], mine)
      looks[j] = graver(looks[j], theirs)
    }
  return looks
}

function graver(before: Look | undefined, now: Look | null): Look {
  if (before === undefined) return now ?? { trouble: 'unreachable' }
  return now === null || 'fork' in before ? before : now
}

/** What each of the two comes to by the other; null: nothing. */
async function comparison(
  one: Site,
  other: Site,
): Promise<readonly [one: Look | null, other: Look | null]> {
  const [mine, theirs] = await Promise.all([headOf(one), headOf(other)])
  if (mine === null || theirs === null) return [null, null]
  const ahead = mine.size >= theirs.size
  const [older, newer, at] = ahead ? [theirs, mine, one] : [mine, theirs, other]
  try {
    if (!(await forked(at.parts, older, newer))) return [null, null]
  } catch (error) {
    if (!(error instanceof LookFailed)) throw error
    // Whoever serves the larger one could not show that it goes on from the smaller.
    const failed: Look | null = 'trouble' in at.look ? null : { trouble: error.trouble }
    return ahead ? [failed, null] : [null, failed]
  }
  return [
    { fork: { trusted: mine.note, seen: theirs.note, elsewhere: other.watch.url } },
    { fork: { trusted: theirs.note, seen: mine.note, elsewhere: one.watch.url } },
  ]
}

async function headOf({ watch, look, parts }: Site): Promise<Head | null> {
  const note = 'head' in look ? look.head.note : watch.trusted?.note
  if (note === undefined || 'fork' in look) return null
  const followed = ('head' in look ? look.followed : undefined) ?? watch.followed
  try {
    return await openHead(note, parts.keys, { origin: watch.origin, followed }, { ended: true })
  } catch (error) {
    if (error instanceof LookFailed) return null
    throw error
  }
}
