/**
 * `npm run deploy [-- --env staging] [-- --dry-run]`: `wrangler deploy` of production, or what is named, after a look at
 * what could never be taken back: the names of the logs.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { binary, ROOT } from './edge/bundle.ts'

const { values } = parseArgs({
  options: { env: { type: 'string', default: 'production' }, 'dry-run': { type: 'boolean' } },
})
const environment = values.env
const dry = values['dry-run'] === true

/** Null when the environment may be deployed. */
function obstacle(toml: string): string | null {
  const section = toml.split(`[env.${environment}.vars]`)[1]?.split(/^\[/m)[0]
  if (section === undefined) return `wrangler.toml has no [env.${environment}.vars]`
  const origin = /^LIVEGATE_ORIGIN = "(.*)"$/m.exec(section)?.[1] ?? ''
  return /(^|\.)example\.com\b/.test(origin)
    ? `its LIVEGATE_ORIGIN is still ${origin}, expected your own: a log never changes its name`
    : null
}

const why = obstacle(readFileSync(join(ROOT, 'wrangler.toml'), 'utf8'))
if (why !== null) {
  console.error(`error: Cannot deploy ${environment}: ${why}`)
  if (!dry) process.exit(1)
}
const args = ['deploy', '--env', environment, ...(dry ? ['--dry-run'] : [])]
const { status } = spawnSync(binary('wrangler'), args, { cwd: ROOT, stdio: 'inherit' })
process.exit(status ?? 1)
