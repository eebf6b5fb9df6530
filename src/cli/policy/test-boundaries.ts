/**
 * `livegate policy test --boundaries`: writes the boundary cases of one policy as a test file, to be read and kept.
 */
import { basename } from 'node:path'
import { boundaryFile } from '../../core/policy/cases/write.ts'
import { didYouMean } from '../../core/policy/suggest.ts'
import { incomplete, usage } from '../failure.ts'
import { plural, quote, type Session } from '../session.ts'
import { loadPlan } from './load.ts'

/** Prints the cases of the one policy in `written`; of `rules` alone, if any are named. */
export async function printBoundaries(
  session: Session,
  written: readonly string[],
  rules: readonly string[],
): Promise<void> {
  const [path, more] = written
  if (path === undefined || more !== undefined || /\.test\.ya?ml$|(?<!\.ya?ml)$/.test(path))
    throw usage('Cannot write boundary cases: expected one policy, a .yaml file')
  const plan = await loadPlan(session, path)
  const known = plan.rules.map(({ id }) => id)
  for (const id of rules)
    if (!known.includes(id))
      throw usage(`Cannot use --rule ${quote(id)}: there is no such rule`, didYouMean(id, known))
  const file = boundaryFile(plan, {
    policy: `./${basename(path)}`,
    rules: rules.length === 0 ? null : new Set(rules),
  })
  if (file === null)
    throw incomplete(
      'Cannot write boundary cases: there are more than one test file holds',
      'name some of the rules: --rule ID',
    )
  session.result(file.text, { policy: path, cases: file.cases, text: file.text })
  const name = basename(path).replace(/\.ya?ml$/, '.boundaries.test.yaml')
  if (!session.json)
    session.say(`${plural(file.cases, 'case')}; keep them beside the policy, as ${name}`)
}
