/**
 * What a caller says it can carry out, where that is more than a word: a tape delay may have a longest length.
 *
 * `broadcast_delay` is any length, `broadcast_delay:30` at most thirty seconds. The second is a place where viewers see
 * things late, chosen at the start: what runs cannot be moved there (gate/question.ts). Other conditions are told by their
 * type alone. Spec: docs/spec/policy.md, "Unsupported". From: evaluate.ts.
 */

const ANY_LENGTH = 'broadcast_delay'
const UP_TO = /^broadcast_delay:([1-9][0-9]{0,5})$/

/** The word for "at most so many seconds late, from the start on". */
export function delayUpTo(seconds: number): string {
  return `${ANY_LENGTH}:${seconds}`
}

/** Can whoever says this show a broadcast `seconds` late? */
export function supportsDelay(supports: readonly string[], seconds: number): boolean {
  return supports.some((word) => word === ANY_LENGTH || seconds <= longestIn(word))
}

/** The same words for a broadcast that was let start `seconds` late; 0 = at once, and then it cannot become late any more. */
export function supportsRunning(supports: readonly string[], seconds: number): readonly string[] {
  return supports.flatMap((word) => {
    const longest = longestIn(word)
    if (longest === 0) return [word]
    return seconds === 0 ? [] : [delayUpTo(Math.min(seconds, longest))]
  })
}

/** Seconds a word limits a delay to; 0 for every other word. */
function longestIn(word: string): number {
  return Number(UP_TO.exec(word)?.[1] ?? 0)
}
