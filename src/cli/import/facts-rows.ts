/**
 * Facts about subjects out of rows: fields, checks, and the request that stores them.
 *
 * A row changes only the facts it names; an empty cell leaves a fact as it is. Spec: docs/cli.md, "Importing facts".
 */

import { read, subjectId } from '../../adapters/http/atoms.ts'
import { FACTS_PATCH } from '../../adapters/http/schemas.ts'
import type { SubjectFacts } from '../../core/model.ts'
import { formatInstant } from '../../core/time.ts'
import type { GateRequest } from '../gate-client.ts'
import { type Cells, RowProblem } from './cells.ts'
import { checked } from './checked.ts'
import type { ImportNoun, Item } from './noun.ts'

const OPTIONAL = { required: false }

export const FACTS: ImportNoun<Item> = {
  one: 'subject',
  many: 'subjects',
  fields: {
    subject: { required: true },
    created_at: OPTIONAL,
    followers: OPTIONAL,
    age_band: OPTIONAL,
    verified: OPTIONAL,
    labels: OPTIONAL,
    linked: OPTIONAL,
    as_of: OPTIONAL,
  },
  read(cells, now) {
    const subject = cells.need('subject')
    const facts = factsOf(cells)
    if (Object.keys(facts).length === 0) throw new RowProblem('it holds no fact')
    const as_of = cells.instant('as_of')
    if (as_of !== undefined && as_of > now) throw new RowProblem('as_of lies in the future')
    const wire = {
      ...facts,
      ...(facts.created_at === undefined ? {} : { created_at: formatInstant(facts.created_at) }),
    }
    const body = { facts: wire, ...(as_of === undefined ? {} : { as_of: formatInstant(as_of) }) }
    checked('subject', () => read(subjectId, subject, 'read'))
    checked('facts', () => read(FACTS_PATCH, body, 'read'))
    const path = `/v1/subjects/${encodeURIComponent(subject)}/facts`
    const request: GateRequest = { method: 'PATCH', path, body }
    return { identity: subject, content: JSON.stringify(body), request }
  },
  unknownWord: () => null,
}

function factsOf(cells: Cells): SubjectFacts {
  const facts: Record<string, unknown> = {
    created_at: cells.instant('created_at'),
    followers: cells.integer('followers'),
    age_band: cells.text('age_band'),
    verified: cells.boolean('verified'),
    labels: cells.list('labels'),
    linked: cells.list('linked'),
  }
  for (const [name, value] of Object.entries(facts)) if (value === undefined) delete facts[name]
  return facts as SubjectFacts
}
