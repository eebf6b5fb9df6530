/**
 * Long work in steps: whoever runs it may let others have their turn at every `yield`, or run it to its end.
 *
 * A policy of 256 KiB takes some hundred milliseconds to compile; a gate that compiles one for an author decides about
 * broadcasts meanwhile. Used by document.ts, compile.ts and lint.ts; run in turns by gate/policy-desk.ts.
 */

export type Steps<T> = Generator<undefined, T, undefined>

/** Runs all steps at once. */
export function finish<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value
  }
}

/** Runs one step after another, with a pause between any two. */
export async function inTurns<T>(steps: Steps<T>, pause: () => Promise<void>): Promise<T> {
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value
    await pause()
  }
}
