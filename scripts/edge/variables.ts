/**
 * Names of everything a Worker reads from its environment: livegate's settings, and the secrets media servers are given
 * by name in deploy/servers.yaml.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { EDGE_SETTINGS } from '../../src/adapters/cloudflare/config.ts'
import { ROOT } from './bundle.ts'

/** The file that is bundled. */
export const SERVERS_FILE: string = join(ROOT, 'deploy/servers.yaml')

/** In the order of the docs, media servers' last. */
export function edgeVariables(serversFile: string = SERVERS_FILE): readonly string[] {
  const servers = readFileSync(serversFile, 'utf8')
  const secrets = [...servers.matchAll(/^[^#\n]*\bsecret_env: *(\w+)/gm)].map(
    ([, name = '']) => name,
  )
  return [...EDGE_SETTINGS.map(({ env }) => env), ...new Set(secrets)]
}

/** As `NAME=value` lines, the form of a .dev.vars file; values hold no line breaks. */
export function variableLines(variables: Readonly<Record<string, string>>): string {
  return Object.entries(variables)
    .map(([name, value]) => `${name}='${value}'\n`)
    .join('')
}

/** The other way round. */
export function readVariableLines(text: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    [...text.matchAll(/^(\w+)='(.*)'$/gm)].map(([, name = '', value = '']) => [name, value]),
  )
}
