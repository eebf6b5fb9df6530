/**
 * Mutants of the evaluator that no decision can show, each with the reason.
 *
 * Held by tests/mutants: an entry whose mutant no longer exists fails.
 */
const POLICY = 'src/core/policy'

export const CODE_EQUIVALENT: readonly (readonly [id: string, why: string])[] = [
  [
    'src/core/standing/standing.ts: return a.id < b.id ? -1 : a.id > b.id ? 1 : 0 | a.id > b.id -> true',
    'copies of one id are one strike before anything is sorted',
  ],
  [
    `${POLICY}/evaluate.ts: if (host === undefined) continue | host === undefined -> false`,
    'the index is below the number of hosts; the question is for the compiler',
  ],
  [
    `${POLICY}/evaluate.ts: restrictions: tally.restrictions.sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)), | 1 -> 2 (2)`,
    'a sort looks at the sign only',
  ],
  [
    `${POLICY}/count-unless.ts: missing: () => (lacking.size === 0 ? NO_FACTS : [...lacking].sort()), | lacking.size === 0 -> false`,
    'a new empty list is like the shared one',
  ],
  [
    `${POLICY}/ladder.ts: for (let i = 0; i < rows.length; i++) { | < -> <=`,
    'writes past the end of a typed array are dropped, and nothing is read there',
  ],
  [
    `${POLICY}/join-obligations.ts: 'latency.seconds': 'most', | 'most' -> ''`,
    'whatever is not `least` merges to the larger number',
  ],
  [
    `${POLICY}/reasons.ts: return a.code < b.code ? -1 : a.code > b.code ? 1 : 0 | 0 -> 1`,
    'a stable sort moves nothing that is not below another',
  ],
  [
    `${POLICY}/eligible.ts: if (from < turn && (decision.mode !== 'hold' || !waits)) | < -> <=`,
    'where a denial ends as the clock turns, both ways look at that very instant',
  ],
  [
    `${POLICY}/eligible-edges.ts: if (plan.stale?.from != null && plan.stale.from > facts.at) clock.push(plan.stale.from) | push -> unshift`,
    'edges are sorted in the end',
  ],
  [
    `${POLICY}/eligible-edges.ts: if (matchesCategory(selector, table.strikes[row]?.category ?? '')) | matchesCategory(selector, table.strikes[row]?.category ?? '') -> true`,
    'edges too many cost an evaluation each and change no answer',
  ],
  [
    `${POLICY}/evaluate.ts: return a.rule === b.rule ? a.host - b.host : a.rule < b.rule ? -1 : 1 | - -> +`,
    'hosts are gone through in their order, and a sort keeps it among what is not below another',
  ],
  [
    `${POLICY}/eligible.ts: while (high - low > 1 && search.left >= 0) { | 1 -> 2`,
    'the step before is told, and the search finds the edge between from there',
  ],
  [
    `${POLICY}/eligible.ts: return high - low > 1 ? blocked : over | high - low > 1 -> true`,
    'the step before is told, and the search finds the very next edge from there',
  ],
  [
    `${POLICY}/eligible.ts: return high - low > 1 ? blocked : over | - -> +`,
    'the step before is told, and the search finds the very next edge from there',
  ],
  [
    `${POLICY}/eligible.ts: return high - low > 1 ? blocked : over | > -> >=`,
    'the step before is told, and the search finds the very next edge from there',
  ],
  [
    `${POLICY}/inherit-ladder.ts: const chosen = counting === null ? selection : select(own, at, 'ever', context.scope) | counting === null -> false`,
    'what was selected would be selected once more',
  ],
  [
    `${POLICY}/inherit-ladder.ts: const chosen = counting === null ? selection : select(own, at, 'ever', context.scope) | 'ever' -> ''`,
    'whatever is not `now` reaches all strikes there are',
  ],
  [
    `${POLICY}/inherit-explain.ts: return [...own, ...others].sort((a, b) => a.from - b.from || (a.strike < b.strike ? -1 : 1)) | a.strike < b.strike -> false`,
    'what took effect at one instant is of one list, which is in the order of ids',
  ],
  [
    `${POLICY}/inherit-explain.ts: return [...own, ...others].sort((a, b) => a.from - b.from || (a.strike < b.strike ? -1 : 1)) | < -> <=`,
    'a strike opens once',
  ],
  [
    `${POLICY}/inherit-explain.ts: return [...own, ...others].sort((a, b) => a.from - b.from || (a.strike < b.strike ? -1 : 1)) | 1 -> 2`,
    'a sort looks at the sign only',
  ],
  [
    `${POLICY}/inherit-explain.ts: return [...own, ...others].sort((a, b) => a.from - b.from || (a.strike < b.strike ? -1 : 1)) | 1 -> 2 (2)`,
    'a sort looks at the sign only',
  ],
]
