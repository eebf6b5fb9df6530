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
    `${RECORD}/shape.ts: for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false | < -> <=`,
    'one past the end of two lists of one length nothing is in either',
  ],
  [`${RECORD}/spelling.ts: const MAX_TEMPLATES = 8 | 8 -> 9`, SPEED],
  [
    `${RECORD}/spelling.ts: if (jtiEnd - first.length < 22 || jtiEnd - first.length > 64) return undefined | > -> >=`,
    SPEED,
  ],
  [
    `${RECORD}/cohost-openings.ts: if (disclosure === null || disclosure === '') return undefined | disclosure === null || disclosure === '' -> false`,
    'an empty text is no JSON, and of null no member can be taken: both are caught below',
  ],
  [`${RECORD}/disclosure.ts: const GROUP_AT = '["","'.length + 22 | '["","' -> ''`, SPEED],
  [
    `${RECORD}/disclosure.ts: const group = json.slice(GROUP_AT, json.indexOf('"', GROUP_AT)) | .slice(GROUP_AT, json.indexOf('"', GROUP_AT)) -> `,
    SPEED,
  ],
  [
    `${RECORD}/key-history.ts: const end = Math.min(index + 1, from ?? index + 1) | 1 -> 2 (2)`,
    'of the two the smaller counts, and the first is as small',
  ],
  [
    `${RECORD}/known-forms.ts: forms.unshift(new RegExp(\`^\${formOf(value)}$\`)) | forms.unshift(new RegExp(\`^\${formOf(value)}$\`)) -> {}`,
    SPEED,
  ],
  [
    `${RECORD}/known-forms.ts: for (const form of forms) if (form.test(text)) return true | form.test(text) -> false`,
    SPEED,
  ],
  [
    `${RECORD}/known-forms.ts: return forms.length > 0 && forms.every((form) => form === first) | 0 -> 1`,
    SPEED,
  ],
  [
    `${RECORD}/spelling.ts: const written = iatEnd > iatStart && String(iat).length === iatEnd - iatStart | > -> >=`,
    'no digits make the number 0, which is written with one',
  ],
  [
    `${RECORD}/spelling.ts: const table = new Uint8Array(128) | 128 -> 129`,
    'one more zero, which is what nothing is taken for',
  ],
  [
    `${RECORD}/spelling.ts: return end > from && end - from <= most && text.charAt(from) !== '0' ? end : -1 | - -> `,
    'what must follow a number stands no more at the second character than before the first',
  ],
]
