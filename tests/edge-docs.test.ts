/** docs/hosts of the edge host say what the code says: every variable, every command, every binding. */
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { EDGE_SETTINGS } from '../src/adapters/cloudflare/config.ts'

const ROOT = resolve(import.meta.dirname, '..')
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')
const page = read('docs/hosts/cloudflare.md')

describe('docs/hosts/cloudflare.md', () => {
  for (const { env, fallback, about, secret, required } of EDGE_SETTINGS)
    it(`lists ${env} with its default and meaning`, () => {
      const shown = required === true ? 'required' : fallback === null ? '–' : `\`${fallback}\``
      const meaning = `${secret === true ? 'secret: ' : ''}${about}`
      expect(page).toContain(`| \`${env}\` | ${shown} | ${meaning} |`)
    })

  it('names no npm script that does not exist', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
    const text = [page, read('docs/hosts/workerd.md'), read('docs/scale.md')].join('\n')
    const named = [...text.matchAll(/npm run (?:-s )?([\w:]+)/g)].map(([, name = '']) => name)
    expect(named.length).toBeGreaterThan(5)
    expect(named.filter((name) => scripts[name] === undefined)).toEqual([])
  })
})
