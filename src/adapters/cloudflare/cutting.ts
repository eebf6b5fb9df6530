/**
 * How objects reach media servers: chosen by the composition root, because what speaks to servers is no part of this host.
 */
import type { Env } from './env.ts'
import type { AtServer } from './subject-cuts.ts'

/** As CutAtServer, in a deployment. */
export type CutIn = (env: Env, at: AtServer) => Promise<number | 'unknown' | null>

let chosen: CutIn | null = null

/** Once, when the program is loaded. */
export function useCuts(cut: CutIn): void {
  chosen = cut
}

/** Null where nobody can be asked. */
export const cutIn: CutIn = (env, at) => (chosen === null ? Promise.resolve(null) : chosen(env, at))
