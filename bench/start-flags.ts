/**
 * The flags Node gets from `npm start`, so that what is measured is what is started.
 */
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

const MANIFEST = join(resolve(import.meta.dirname, '..'), 'package.json')

/** `--…` between `node` and the program in the start script. */
export const START_FLAGS: readonly string[] = startFlags()

function startFlags(): readonly string[] {
  const { scripts } = JSON.parse(readFileSync(MANIFEST, 'utf8')) as { scripts: { start: string } }
  const [, flags = ''] = /^node ((?:--\S+ )*)src\//.exec(scripts.start) ?? []
  return flags.split(' ').filter((flag) => flag !== '')
}
