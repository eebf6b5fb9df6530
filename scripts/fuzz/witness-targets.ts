/**
 * What witnesses and their policies say: policy texts, answers to add-checkpoint, cosignatures among them.
 */
import fc from 'fast-check'
import { utf8 } from '../../src/core/encoding.ts'
import { cosignatureVerifier } from '../../src/core/tlog/cosignature.ts'
import { formatSignatureLine, type NoteVerifier } from '../../src/core/tlog/note.ts'
import {
  openCosignature,
  parseAskedPolicy,
  readAnswer,
  witnessUrl,
} from '../../src/core/tlog/witness.ts'
import {
  parseWitnessPolicy,
  quorumOf,
  ruleOf,
  type WitnessPolicy,
} from '../../src/core/tlog/witness-policy.ts'
import { changeBytes, changes } from './mutate.ts'
import { BODY, NOTE, oracle, READER, WORKED } from './seeds.ts'
import { changed, damaged, type FuzzTarget, must, requireSame, target } from './target.ts'

const W1 = WORKED.witness_vkey
const W2 = READER.witness
const POLICIES: readonly string[] = [
  `log ${WORKED.log_vkey} https://log.example/\nwitness a ${W1} https://a.example/w\nquorum a\n`,
  `# two\nwitness a ${W1} https://a.example/\n\nwitness b\t${W2} http://localhost:8080/x\ngroup g any a b\nquorum g\n`,
  `witness a ${W1} https://a.example\nwitness b ${W2} https://b.example\ngroup g 2 a b\ngroup h all g\nquorum h\n`,
  'quorum none\n',
]

/** A policy in a form of its own: blanks, comments and `all` or `any` for a number are free. */
function plain({ logs, witnesses, groups, quorum }: WitnessPolicy): string {
  const address = (url: string | null): string => (url === null ? '' : ` ${url}`)
  return `${[
    ...logs.map(({ vkey, url }) => `log ${vkey}${address(url)}`),
    ...witnesses.map(({ name, vkey, url }) => `witness ${name} ${vkey}${address(url)}`),
    ...groups.map(
      ({ name, threshold, members }) => `group ${name} ${threshold} ${members.join(' ')}`,
    ),
    `quorum ${quorum ?? 'none'}`,
  ].join('\n')}\n`
}

/** Reading what was written of a policy gives the same policy, and the same words. */
async function checkPolicy(text: string): Promise<void> {
  const read = parseWitnessPolicy(text)
  if (!read.ok) {
    must(read.error.length > 0, 'a refusal names a line')
    return
  }
  const again = parseWitnessPolicy(plain(read.value))
  must(again.ok, 'a policy that was read cannot be read when written')
  if (!again.ok) return
  requireSame('a policy', plain(again.value), plain(read.value))
  requireSame('its rule', ruleOf(again.value), ruleOf(read.value))
  const quorum = await quorumOf(NOTE, read.value, oracle)
  must(quorum.ok, 'the worked example is spoilt by a policy')
}

/** An address means to a URL parser what it says: one host, over TLS or on this machine. */
function checkAsked(text: string): void {
  const read = parseAskedPolicy(text)
  if (!read.ok) return
  for (const { url } of read.value.witnesses) {
    const parsed = new URL(witnessUrl(url ?? '', 'add-checkpoint'))
    const host = /^https?:\/\/([^/]+)/i.exec(url ?? '')?.[1] ?? ''
    const secure = parsed.protocol === 'https:'
    must(parsed.username === '' && parsed.search === '' && parsed.hash === '', `parts in ${url}`)
    const path = /^https?:\/\/[^/]+(.*?)\/?$/i.exec(url ?? '')?.[1] ?? ''
    requireSame('a path', parsed.pathname, `${path}/add-checkpoint`)
    must(host.toLowerCase().startsWith(parsed.hostname), `another host than in ${url}`)
    must(
      secure || /^(localhost|127\.0\.0\.1|\[::1\])$/.test(parsed.hostname),
      `in the clear: ${url}`,
    )
  }
}

const LINES = NOTE.slice(NOTE.indexOf('\n\n') + 2)
const SIZE = 'text/x.tlog.size'
const answers = fc.tuple(
  fc.oneof(
    fc.constantFrom(200, 409),
    fc.constantFrom(204, 301, 400, 403, 404, 422, 429, 500, 503, 0, 1e9),
  ),
  fc.constantFrom(SIZE, `${SIZE}; charset=utf-8`, 'text/html', '', null),
  changed([LINES, '17\n', '', '<html>', '9007199254740991\n'].map(utf8), changeBytes),
)

function witnessKey(): NoteVerifier {
  const read = cosignatureVerifier(W1, oracle)
  if (!read.ok) throw new Error(read.error)
  return read.value
}

async function checkAnswer([status, type, body]: readonly [
  number,
  string | null,
  Uint8Array,
]): Promise<void> {
  const answer = readAnswer({ status, type, body })
  if (answer.kind === 'fault') return
  if (answer.kind === 'has') {
    requireSame('a size', utf8(`${answer.size}\n`), body)
    return
  }
  const written = answer.lines.map((line) => `${formatSignatureLine(line)}\n`).join('')
  requireSame('signature lines', utf8(written), body)
  const verifier = witnessKey()
  const now_s = 1_679_315_147
  const opened = await openCosignature({ lines: answer.lines, verifier, body: BODY, now_s })
  if (opened.ok) must(LINES.includes(formatSignatureLine(opened.value)), 'another cosignature')
  await openCosignature({
    ...{ lines: answer.lines, body: BODY, now_s },
    verifier: { ...verifier, verify: () => true },
  })
}

/** Names and members only, so that groups and quorums are reached. */
const words = fc
  .tuple(
    fc.array(
      fc.tuple(
        fc.constantFrom('group', 'quorum', 'witness', 'log', '#', 'Group'),
        fc.array(
          fc.constantFrom(
            'a',
            'b',
            'g',
            'h',
            'none',
            'all',
            'any',
            '1',
            '2',
            '01',
            '3',
            W1,
            W2,
            '__proto__',
          ),
          { maxLength: 5 },
        ),
      ),
      { maxLength: 5 },
    ),
    changes,
  )
  .map(([lines]) =>
    [
      `witness a ${W1} https://a.example`,
      ...lines.map(([verb, items]) => [verb, ...items].join(' ')),
      'quorum a',
    ].join('\n'),
  )

const policies = fc.oneof(
  { weight: 4, arbitrary: damaged(POLICIES) },
  { weight: 1, arbitrary: words },
)

export const WITNESS_TARGETS: readonly FuzzTarget[] = [
  target('witness-policy', policies, checkPolicy),
  target('witness-address', damaged(POLICIES.slice(0, 3)), checkAsked),
  target('witness-answer', answers, checkAnswer),
]
