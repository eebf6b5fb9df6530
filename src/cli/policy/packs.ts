/**
 * The policies that come with livegate, as something to start from: which there are, and their text under a new name.
 *
 * They lie in `policies/` of the package, beside `src` in a checkout and beside `dist` where it is installed. Texts are
 * changed by line, so that comments and order stay. Used by commands/policy-new.ts.
 */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** `policies/` of this package. */
export const PACKAGE_POLICIES: string = fileURLToPath(
  new URL('../../../policies/', import.meta.url),
)

export interface Pack {
  readonly name: string
  readonly policy: string
  readonly tests: string
}

/** Names of all packs, the default policy first. */
export async function packNames(): Promise<readonly string[]> {
  return ['default', ...(await readdir(join(PACKAGE_POLICIES, 'packs'))).sort()]
}

/** One of `packNames`. */
export async function readPack(name: string): Promise<Pack> {
  const folder = name === 'default' ? PACKAGE_POLICIES : join(PACKAGE_POLICIES, 'packs', name)
  const [policy, tests] = await Promise.all([
    readFile(join(folder, `${name}.yaml`), 'utf8'),
    readFile(join(folder, `${name}.test.yaml`), 'utf8'),
  ])
  return { name, policy, tests }
}

export interface Renamed {
  readonly name: string
  /** File name of the policy. */
  readonly file: string
  /** `2026-11-22`. */
  readonly as_of: string
  /** Where the schemas lie, as seen from the new files; null leaves the line for editors out. */
  readonly schemas: string | null
}

/** The policy of a pack under another name and date. */
export function renamePolicy({ policy }: Pack, { name, as_of, schemas }: Renamed): string {
  return withSchema(policy, schemas)
    .replace(/^name: .*$/m, () => `name: ${yamlText(name)}`)
    .replace(/^as_of: .*$/m, `as_of: ${as_of}`)
}

/** The tests of a pack for the policy in another file. */
export function renameTests({ tests }: Pack, { file, schemas }: Renamed): string {
  return withSchema(tests, schemas).replace(
    /^policy: .*$/m,
    () => `policy: ${yamlText(`./${file}`)}`,
  )
}

const SCHEMA_LINE = /^(# yaml-language-server: \$schema=)\S*\/(\S+)\n/

function withSchema(text: string, schemas: string | null): string {
  return text.replace(SCHEMA_LINE, (_, start: string, file: string) =>
    schemas === null ? '' : `${start}${schemas}${file}\n`,
  )
}

/** Plain where YAML reads it back as this text, quoted elsewhere. */
function yamlText(text: string): string {
  const plain = /^(?:\.\/)?[a-z][a-z0-9-]*(?:\.ya?ml)?$/.test(text)
  return plain && !['true', 'false', 'null'].includes(text) ? text : JSON.stringify(text)
}
