/**
 * `npm run bench:scale`: ten million starts a day on the edge host, simulated. Prints the tables of docs/scale.md;
 * `-- --write` puts them there, `-- --starts N` simulates another day.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { scaleTables } from './scale/tables.ts'

export const PAGE: string = resolve(import.meta.dirname, '../docs/scale.md')
const BEGIN = '<!-- tables: npm run bench:scale -- --write -->'
const END = '<!-- end of tables -->'

/** The page with these tables between its markers. Throws when it has no markers. */
export function pageWith(page: string, tables: string): string {
  const [before, rest] = page.split(BEGIN)
  const after = rest?.split(END)[1]
  if (before === undefined || after === undefined)
    throw new TypeError(`Cannot write tables: the page has no ${BEGIN} and ${END}`)
  return `${before}${BEGIN}\n\n${tables}\n\n${END}${after}`
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: { write: { type: 'boolean' }, starts: { type: 'string' } },
  })
  const tables = scaleTables(values.starts === undefined ? undefined : Number(values.starts))
  if (values.write === true) writeFileSync(PAGE, pageWith(readFileSync(PAGE, 'utf8'), tables))
  else console.log(tables)
}
