/**
 * Mutants of the log and of records that no log, record or reader can show, each with the reason.
 *
 * Held by tests/mutants, as those of the evaluator (code-equivalent.ts).
 */
const TLOG = 'src/core/tlog'
const RECORD = 'src/core/record'

/** The short ways of reading are fast and mean what the long ones mean; tests/core/record holds that. */
const SPEED = 'what is not read the short way is read the long way, with the same result'
const ORDER =
  'a form of members missing or out of order fits no text, and no two begin at one place or at the bracket'

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
  [
    `${RECORD}/disclosure.ts: const short = json !== null && isChainKind(kind) ? readShort(kind, json) : undefined | json !== null && isChainKind(kind) -> false`,
    SPEED,
  ],
  [
    `${RECORD}/disclosure.ts: if (short !== undefined) return ok(short) | short !== undefined -> false`,
    SPEED,
  ],
  [
    `${RECORD}/disclosure.ts: if (group === 'result') learnResult(kind, json, claims) | group === 'result' -> true`,
    SPEED,
  ],
  [
    `${RECORD}/disclosure.ts: if (group === 'result') learnResult(kind, json, claims) | group === 'result' -> false`,
    SPEED,
  ],
  [
    `${RECORD}/disclosure.ts: if (group === 'result') learnResult(kind, json, claims) | === -> !==`,
    SPEED,
  ],
  [
    `${RECORD}/disclosure.ts: if (group === 'result') learnResult(kind, json, claims) | 'result' -> ''`,
    SPEED,
  ],
  [
    `${RECORD}/disclosure.ts: if (group === 'result') learnResult(kind, json, claims) | learnResult(kind, json, claims) -> {}`,
    SPEED,
  ],
  [
    `${RECORD}/disclosure.ts: RECORD_KINDS.map((kind) => [ | [ kind, GROUP_NAMES.map((group) => ({ name: \`"\${group}"\`, read: createReader() })).reverse(), ] -> []`,
    SPEED,
  ],
  [
    `${RECORD}/disclosure.ts: if (chain !== undefined) return { group: 'chain', value: chain } | chain !== undefined -> false`,
    SPEED,
  ],
  [
    `${RECORD}/disclosure.ts: if (result !== undefined) return { group: 'result', value: result } | result !== undefined -> false`,
    SPEED,
  ],
  [
    `${RECORD}/disclosure.ts: return subject === undefined ? undefined : { group: 'subject', value: subject } | subject === undefined -> true`,
    SPEED,
  ],
  [
    `${RECORD}/disclosure.ts: for (const { name, read } of READERS.get(kind) ?? []) | ?? -> &&`,
    SPEED,
  ],
  [
    `${RECORD}/disclosure.ts: if (json.startsWith(name, GROUP_AT)) return read | json.startsWith(name, GROUP_AT) -> true`,
    SPEED,
  ],
  [
    `${RECORD}/disclosure.ts: if (json.startsWith(name, GROUP_AT)) return read | json.startsWith(name, GROUP_AT) -> false`,
    SPEED,
  ],
  [
    `${RECORD}/disclosure.ts: return kind === 'broadcast' ? (opened.facts as BroadcastContent | undefined)?.facts : undefined | kind === 'broadcast' -> true`,
    "no other kind's facts have a member facts, so nothing is found in them",
  ],
  [
    `${RECORD}/known-forms.ts: if (i > 0) this.#forms.unshift(...this.#forms.splice(i, 1)) | i > 0 -> true`,
    'what is first is put first again',
  ],
  [
    `${RECORD}/known-forms.ts: if (i > 0) this.#forms.unshift(...this.#forms.splice(i, 1)) | > -> >=`,
    'what is first is put first again',
  ],
  [
    `${RECORD}/known-forms.ts: if (isFull && this.#unknown++ % PATIENCE !== 0) return | ++ -> --`,
    'counting down, each sixteenth is a multiple of sixteen too',
  ],
  [
    `${RECORD}/known-forms.ts: if (value !== undefined) known.learn(text, () => new RegExp(\`^\${formOf(value)}$\`)) | value !== undefined -> true`,
    'what is refused would be learnt as a scalar, and every scalar of that form is in its one spelling',
  ],
  [
    `${RECORD}/known-forms.ts: const [first = ''] = forms | '' -> 'mutant'`,
    'it stands for the first of none, and is not used where there is none',
  ],
  [
    `${RECORD}/parse.ts: const signature = fromBase64Url(jws.slice(end + 1)) ?? new Uint8Array(0) | 0 -> 1`,
    'the pattern has shown that it is base64url',
  ],
  [
    `${RECORD}/parse.ts: if (before?.part.length === end && jws.startsWith(before.part)) return ok(before.header) | before?.part.length === end && jws.startsWith(before.part) -> false`,
    SPEED,
  ],
  [`${RECORD}/parse.ts: if (known !== undefined) { | known !== undefined -> false`, SPEED],
  [
    `${RECORD}/parse.ts: before = { part, header: known } | before = { part, header: known } -> {}`,
    SPEED,
  ],
  [
    `${RECORD}/parse.ts: const fits = word === undefined ? undefined : kindOfTyp(word) | word === undefined -> false`,
    'a kind without a name is none',
  ],
  [
    `${RECORD}/parse.ts: if (headers.size >= MAX_HEADERS) headers.clear() | headers.size >= MAX_HEADERS -> true`,
    SPEED,
  ],
  [`${RECORD}/parse.ts: if (headers.size >= MAX_HEADERS) headers.clear() | >= -> >`, SPEED],
  [`${RECORD}/parse.ts: if (headers.size >= MAX_HEADERS) headers.clear() | >= -> <`, SPEED],
  [`${RECORD}/parse.ts: headers.set(part, header) | headers.set(part, header) -> {}`, SPEED],
  [
    `${RECORD}/parse.ts: if (alike !== undefined) return sortedDigests(alike) | alike !== undefined -> false`,
    SPEED,
  ],
  [
    `${RECORD}/parse.ts: if (!isBefore(digests[i - 1] ?? '', digests[i] ?? '')) | '' -> 'mutant'`,
    'both places are within the list',
  ],
  [
    `${RECORD}/parse.ts: if (!isBefore(digests[i - 1] ?? '', digests[i] ?? '')) | '' -> 'mutant' (2)`,
    'both places are within the list',
  ],
  [
    `${RECORD}/parse.ts: return apart === 0 ? a < b : apart < 0 | apart === 0 -> true`,
    'the comparison of the whole says the same as that of the first letters',
  ],
  [
    `${RECORD}/parse.ts: return apart === 0 ? a < b : apart < 0 | < -> <= (2)`,
    'where it is asked the first letters differ',
  ],
  [
    `${RECORD}/parse.ts: return apart === 0 ? a < b : apart < 0 | 0 -> 1 (2)`,
    'where it is asked the first letters differ',
  ],
  [
    `${RECORD}/spelling.ts: if (a < 0 || b < a || c < b) return null | a < 0 || b < a || c < b -> false`,
    ORDER,
  ],
  [`${RECORD}/spelling.ts: if (a < 0 || b < a || c < b) return null | < -> <=`, ORDER],
  [`${RECORD}/spelling.ts: if (a < 0 || b < a || c < b) return null | 0 -> 1`, ORDER],
  [`${RECORD}/spelling.ts: if (a < 0 || b < a || c < b) return null | || -> &&`, ORDER],
  [`${RECORD}/spelling.ts: if (a < 0 || b < a || c < b) return null | < -> <= (2)`, ORDER],
  [`${RECORD}/spelling.ts: if (a < 0 || b < a || c < b) return null | || -> && (2)`, ORDER],
  [`${RECORD}/spelling.ts: if (a < 0 || b < a || c < b) return null | < -> <= (3)`, ORDER],
  [
    `${RECORD}/spelling.ts: if (!text.startsWith('"chain"', GROUP_AT)) return undefined | !text.startsWith('"chain"', GROUP_AT) -> false`,
    SPEED,
  ],
  [
    `${RECORD}/spelling.ts: if (!text.startsWith('"chain"', GROUP_AT)) return undefined | '"chain"' -> ''`,
    SPEED,
  ],
  [
    `${RECORD}/spelling.ts: if (!text.startsWith('"subject"', GROUP_AT)) return undefined | !text.startsWith('"subject"', GROUP_AT) -> false`,
    SPEED,
  ],
  [
    `${RECORD}/spelling.ts: if (!text.startsWith('"subject"', GROUP_AT)) return undefined | '"subject"' -> ''`,
    SPEED,
  ],
  [
    `${RECORD}/spelling.ts: if (!text.startsWith('"result"', GROUP_AT)) return undefined | !text.startsWith('"result"', GROUP_AT) -> false`,
    SPEED,
  ],
  [
    `${RECORD}/spelling.ts: if (!text.startsWith('"result"', GROUP_AT)) return undefined | '"result"' -> ''`,
    SPEED,
  ],
  [
    `${RECORD}/spelling.ts: return lease_until > 0 ? { ...payload, lease_until } : undefined | > -> >=`,
    'the form lets through no zero',
  ],
  [
    `${RECORD}/spelling.ts: if (found < 0 || text.indexOf(LEASE) !== text.lastIndexOf(LEASE)) return | < -> <=`,
    'a text begins with its bracket',
  ],
  [
    `${RECORD}/spelling.ts: if (found < 0 || text.indexOf(LEASE) !== text.lastIndexOf(LEASE)) return | 0 -> 1`,
    'a text begins with its bracket',
  ],
]
