/**
 * "did you mean": the nearest known word, the one that goes on like what was written, or none when nothing would help.
 */

/** The candidate within edit distance 1 (short words) to 3 (long ones); a swap of neighbours counts as one. */
export function suggest(word: string, candidates: Iterable<string>): string | undefined {
  const limit = Math.min(3, Math.max(1, Math.floor(word.length / 3)))
  let best: string | undefined
  let bestDistance = limit + 1
  if (word.length > 64) return undefined
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - word.length) > limit) continue
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase())
    if (distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best ?? goesOn(word, candidates)
}

/** The one candidate of which `word` is the first part: `created` of `created_at`. */
function goesOn(word: string, candidates: Iterable<string>): string | undefined {
  if (word.length < 3) return undefined
  const longer = [...candidates].filter((one) => one.startsWith(`${word.toLowerCase()}_`))
  return longer.length === 1 ? longer[0] : undefined
}

/** `did you mean X?` as a hint, or undefined. */
export function didYouMean(word: string, candidates: Iterable<string>): string | undefined {
  const near = suggest(word, candidates)
  return near === undefined ? undefined : `did you mean \`${near}\`?`
}

/** Optimal string alignment distance. */
function editDistance(a: string, b: string): number {
  let before: number[] = []
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1
      let cost = Math.min(
        (previous[j] ?? 0) + 1,
        (row[j - 1] ?? 0) + 1,
        (previous[j - 1] ?? 0) + same,
      )
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        cost = Math.min(cost, (before[j - 2] ?? 0) + 1)
      row.push(cost)
    }
    before = previous
    previous = row
  }
  return previous[b.length] ?? 0
}
