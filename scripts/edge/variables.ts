/**
 * Names of everything a Worker reads from its environment: livegate's settings, and the secrets media servers are given
 * by name in deploy/servers.yaml.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isScalar, parseDocument, visit } from 'yaml'
import { EDGE_SETTINGS } from '../../src/adapters/cloudflare/config.ts'
import { ROOT } from './bundle.ts'

/** The file that is bundled. */
export const SERVERS_FILE: string = join(ROOT, 'deploy/servers.yaml')

export const WEBHOOKS_FILE: string = join(ROOT, 'deploy/webhooks.yaml')

/** In the order of the docs, last those the media servers file and the webhooks file name. */
export function edgeVariables(
  serversFile: string = SERVERS_FILE,
  webhooksFile: string = WEBHOOKS_FILE,
): readonly string[] {
  const named = [...valuesOf(serversFile, 'secret_env'), ...valuesOf(webhooksFile, 'env')]
  return [...new Set([...EDGE_SETTINGS.map(({ env }) => env), ...named])]
}

/** What stands under a key anywhere in a file. A file that cannot be read names nothing: the Worker will say what is wrong. */
function valuesOf(file: string, key: string): readonly string[] {
  const document = parseDocument(readFileSync(file, 'utf8'))
  const values: string[] = []
  visit(document, {
    Pair(_at, { key: name, value }) {
      if (!isScalar(name) || name.value !== key || !isScalar(value)) return
      if (typeof value.value === 'string' && /^\w+$/.test(value.value)) values.push(value.value)
    },
  })
  return values
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
