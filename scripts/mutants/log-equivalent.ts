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
    `${TLOG}/hash.ts: input[0] = LEAF_PREFIX | 0 -> 1`,
    'the prefix is zero, and what stands after it is written over',
  ],
  [
    `${TLOG}/note-key.ts: if (name === undefined || base64 === undefined || !isKeyName(name)) return err('vkey_malformed') | || -> &&`,
    'the pattern has matched both or neither',
  ],
  [
    `${TLOG}/tile.ts: const level = ref.kind === 'tile' ? ref.level : 0 | 0 -> 1`,
    'both are levels; it stands for none',
  ],
  [
    `${TLOG}/verify.ts: while (!isOdd(fn) && fn !== 0) [fn, sn] = [half(fn), half(sn)] | 0 -> 1 (2)`,
    'an even number here is that of a tree that goes on, and not zero',
  ],
  [
    `${TLOG}/witness-policy.ts: throw new LivegateError('internal', \`Cannot use witness policy: \${verifier.error}\`) | 'internal' -> ''`,
    'the keys of a policy have been read, so they make verifiers',
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
    `${RECORD}/shape.ts: for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false | < -> <=`,
    'one past the end of two lists of one length nothing is in either',
  ],
  [
    `${RECORD}/cohost-openings.ts: if (disclosure === null || disclosure === '') return undefined | disclosure === null || disclosure === '' -> false`,
    'an empty text is no JSON, and of null no member can be taken: both are caught below',
  ],
  [
    `${RECORD}/key-history.ts: const end = Math.min(index + 1, from ?? index + 1) | 1 -> 2 (2)`,
    'of the two the smaller counts, and the first is as small',
  ],
  [
    `${RECORD}/known-forms.ts: return forms.length > 0 && forms.every((form) => form === first) | 0 -> 1`,
    SPEED,
  ],
]
