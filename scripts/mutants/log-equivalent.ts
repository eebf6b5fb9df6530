/**
 * Mutants of the log and of records that no log, record or reader can show, each with the reason.
 *
 * Held by tests/mutants, as those of the evaluator (code-equivalent.ts).
 */
const TLOG = 'src/core/tlog'
const RECORD = 'src/core/record'

/** The short ways of reading are fast and mean what the long ones mean; tests/core/record holds that. */
const SPEED = 'what is not read the short way is read the long way, with the same result'

export const LOG_EQUIVALENT: readonly (readonly [id: string, why: string])[] = [
  [
    `${TLOG}/hash.ts: input[0] = LEAF_PREFIX | input[0] = LEAF_PREFIX -> {}`,
    'the prefix is zero, and a new array holds zeros',
  ],
  [
    `${TLOG}/tile.ts: const row = match[1] ?? '' | '' -> 'mutant'`,
    'the pattern has matched, and its first group is not optional',
  ],
  [
    `${TLOG}/tile.ts: const index = Number((match[2] ?? '').replaceAll(/[x/]/g, '')) | '' -> 'mutant'`,
    'the pattern has matched, and its second group is not optional',
  ],
  [
    `${TLOG}/tile.ts: : level === null | level === null -> false`,
    'what is no level is refused with the whole name below',
  ],
  [
    `${RECORD}/parse.ts: if (known !== undefined) return ok(known) | known !== undefined -> false`,
    'what is remembered of a header is what reading it again gives',
  ],
  [
    `${RECORD}/parse.ts: if ((digests[i - 1] ?? '') >= (digests[i] ?? '')) | '' -> 'mutant'`,
    'both indexes are inside the list; the question is for the compiler',
  ],
  [
    `${RECORD}/parse.ts: if ((digests[i - 1] ?? '') >= (digests[i] ?? '')) | '' -> 'mutant' (2)`,
    'both indexes are inside the list; the question is for the compiler',
  ],
  [
    `${RECORD}/disclosure.ts: const chain = json !== null && isChainKind(kind) ? readChain(json) : undefined | json !== null && isChainKind(kind) -> false`,
    SPEED,
  ],
  [
    `${RECORD}/disclosure.ts: const chain = json !== null && isChainKind(kind) ? readChain(json) : undefined | !== -> ===`,
    SPEED,
  ],
  [
    `${RECORD}/shape.ts: for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false | < -> <=`,
    'one past the end of two lists of one length nothing is in either',
  ],
  [`${RECORD}/spelling.ts: const MAX_TEMPLATES = 8 | 8 -> 9`, SPEED],
  [
    `${RECORD}/spelling.ts: if (jtiEnd - first.length < 22 || jtiEnd - first.length > 64) return undefined | > -> >=`,
    SPEED,
  ],
]
