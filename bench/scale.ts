/**
 * `npm run bench:scale`: ten million starts a day on the edge host, simulated. Prints the tables of docs/scale.md and
 * docs/hosts/cloudflare.md; `-- --write` puts them there, `-- --starts N` simulates another day.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { scaleTables, steadyTable } from './scale/tables.ts'

const ROOT = resolve(import.meta.dirname, '..')
const BEGIN = '<!-- tables: npm run bench:scale -- --write -->'
const END = '<!-- end of tables -->'

/** A page and what stands between its markers. */
export interface ScalePage {
  readonly path: string
  readonly tables: () => string
}

export const SCALE_PAGES: readonly ScalePage[] = [
  { path: resolve(ROOT, 'docs/scale.md'), tables: scaleTables },
  { path: resolve(ROOT, 'docs/hosts/cloudflare.md'), tables: () => steadyTable(1_000) },
]

/** The page with these tables between its markers. Throws when it has no markers. */
export function pageWith(page: string, tables: string): string {
  const [before, rest] = page.split(BEGIN)
  const after = rest?.split(END)[1]
  if (before === undefined || after === undefined)
    throw new TypeError(`Cannot write tables: the page has no ${BEGIN} and ${END}`)
  return `${before}${BEGIN}\n\n${tables}\n\n${END}${after}`
}

function main(): void {
  const { values } = parseArgs({
    options: { write: { type: 'boolean' }, starts: { type: 'string' } },
  })
  if (values.starts !== undefined) console.log(scaleTables(Number(values.starts)))
  else writeOrPrint(values.write === true)
}

function writeOrPrint(write: boolean): void {
  for (const { path, tables } of SCALE_PAGES)
    if (write) writeFileSync(path, pageWith(readFileSync(path, 'utf8'), tables()))
    else console.log(`${tables()}\n`)
}

if (import.meta.main) main()
