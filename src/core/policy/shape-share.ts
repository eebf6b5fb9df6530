/**
 * The shape of `enforce`: `on`, `off` or `canary 10%`, one strict spelling in policies and in servers files.
 */
import { isScalar } from 'yaml'
import { quote } from './diagnostic.ts'
import { EVERYBODY, NOBODY, type Share, shareOf, shareText } from './rollout.ts'
import { type Shape, spanOf, wrongType } from './shape.ts'
import { didYouMean } from './suggest.ts'

const WHOLE = 'a canary has a whole percentage from 1 to 99: `canary 10%`'
const EXPECTED = '`on`, `off` or a canary such as `canary 10%`'

/** For how many of a hundred people something is enforced. */
export function share(): Shape<Share> {
  const read: Shape<Share>['read'] = (node, outer, reporter) => {
    const span = spanOf(node, outer)
    if (!isScalar(node) || node.value === null) return wrongType(node, span, reporter, EXPECTED)
    const source = typeof node.value === 'string' ? node.value : String(node.source ?? node.value)
    const value = typeof node.value === 'string' ? shareOf(source) : null
    if (value !== null) return { value, ...span }
    const message = `found ${quote(source)}, expected ${EXPECTED}`
    reporter.report('bad-value', span, message, nearest(source))
    return undefined
  }
  const schema = { type: 'string', pattern: '^(on|off|canary [1-9][0-9]?%)$' }
  return { expected: EXPECTED, schema, read }
}

/** What was meant by `10%`, `canary: 10`, `true`, `cannary 5 %`. */
function nearest(source: string): string | undefined {
  const percent = /^\s*(?:[a-z]*[\s:=]*)?([0-9]{1,3})(?:\.0+)?\s*(?:%|percent)?\s*$/i.exec(
    source,
  )?.[1]
  const share = percent === undefined ? undefined : Number(percent)
  if (share !== undefined && share <= EVERYBODY)
    return `did you mean \`${shareText(Math.max(NOBODY, share))}\`?`
  if (/^(true|yes|all|always|enforce|enforced)$/i.test(source)) return 'did you mean `on`?'
  if (/^(false|no|none|never|shadow|dry[-_ ]?run)$/i.test(source)) return 'did you mean `off`?'
  const canary = /^can|%$/i.test(source)
  return canary ? WHOLE : didYouMean(source, ['off', 'on'])
}
