/** The tables in the docs are what `npm run bench:scale` prints: the whole day, simulated again. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { pageWith, SCALE_PAGES } from '../../bench/scale.ts'

describe('pages with tables of the simulation', () => {
  for (const { path, tables } of SCALE_PAGES)
    it(`${path.split('/docs/')[1]} shows what the script prints now`, () => {
      const page = readFileSync(path, 'utf8')
      expect(page).toBe(pageWith(page, tables()))
    })
})
