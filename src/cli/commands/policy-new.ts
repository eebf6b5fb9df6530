/**
 * `livegate policy new`: a policy of one's own from one that comes with livegate: policy, tests and a page to write on.
 *
 * Writes three files or none, and never over one that is there. Spec: docs/cli.md, "policy new".
 */
import { mkdir, rm, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, extname, join, relative, sep } from 'node:path'
import type { Command } from 'commander'
import { didYouMean } from '../../core/policy/suggest.ts'
import type { Act } from '../act.ts'
import { EXIT, type ExitCode, incomplete, usage } from '../failure.ts'
import {
  PACKAGE_POLICIES,
  packNames,
  type Renamed,
  readPack,
  renamePolicy,
  renameTests,
} from '../policy/packs.ts'
import { quote, type Session } from '../session.ts'

export function policyNew(noun: Command, act: Act): void {
  const command = noun
    .command('new')
    .description('start a policy from one that comes with livegate')
    .argument('<path>', 'a new directory, or a new .yaml file')
    .option('--from <pack>', 'which one; unknown names list them all')
    .addHelpText('after', EXAMPLE)
  act(command, run)
}

const EXAMPLE = `
Example:
  livegate policy new policies/ours --from three-strikes`

async function run(
  session: Session,
  written: string,
  { from }: { readonly from?: string },
): Promise<ExitCode> {
  const place = placeOf(written)
  const pack = await readPack(await nameOfPack(from))
  const renamed: Renamed = {
    ...{ name: place.name, file: basename(place.policy) },
    as_of: new Date(session.world.now()).toISOString().slice(0, 10),
    schemas: schemasFrom(session, dirname(place.policy)),
  }
  const files: readonly (readonly [path: string, text: string])[] = [
    [place.policy, renamePolicy(pack, renamed)],
    [place.tests, renameTests(pack, renamed)],
    [place.page, pageOf(pack.name, place, renamed)],
  ]
  await writeNew(session, files)
  const names = files.map(([path]) => path)
  session.result(names.join('\n'), { name: place.name, from: pack.name, files: names })
  session.say(`change it, then: livegate policy test ${written}`)
  return EXIT.clean
}

async function nameOfPack(from: string | undefined): Promise<string> {
  const names = await packNames()
  if (from !== undefined && names.includes(from)) return from
  const list = `packs are ${names.join(', ')}`
  if (from === undefined)
    throw usage('Cannot start a policy: no pack is named, expected --from', list)
  const near = didYouMean(from, names)
  throw usage(
    `Cannot start from ${quote(from)}: there is no such pack`,
    near === undefined ? list : `${near} ${list}`,
  )
}

interface Place {
  readonly name: string
  readonly policy: string
  readonly tests: string
  readonly page: string
}

/** A name that is safe as a file and short enough for a policy. */
const NAME = /^[\p{L}\p{N}][\p{L}\p{N}_.-]{0,63}$/u

function placeOf(written: string): Place {
  const ending = extname(written)
  const isFile = ending === '.yaml' || ending === '.yml'
  const name = basename(written, isFile ? ending : '')
  if (!NAME.test(name) || name.endsWith('.test'))
    throw usage(
      `Cannot name a policy ${quote(name)}: expected up to 64 letters, digits, \`-\`, \`_\` and dots`,
      'name a new directory or a new .yaml file, for example policies/ours',
    )
  const folder = isFile ? dirname(written) : written
  return {
    name,
    policy: isFile ? written : join(folder, `${name}.yaml`),
    tests: join(folder, `${name}.test.yaml`),
    page: join(folder, isFile ? `${name}.md` : 'README.md'),
  }
}

/** Only a package within reach of this project is named; any other lies elsewhere on the next machine. */
export function schemasFrom(
  { world, path }: { readonly world: { readonly cwd: string }; path(written: string): string },
  folder: string,
): string | null {
  if (relative(world.cwd, PACKAGE_POLICIES).startsWith('..')) return null
  const way = relative(path(folder), PACKAGE_POLICIES).split(sep).join('/')
  return `${way === '' ? '.' : way.startsWith('.') ? way : `./${way}`}/`
}

function pageOf(pack: string, { name, tests }: Place, { as_of }: Renamed): string {
  return `# ${name}

Started on ${as_of} from the pack \`${pack}\` of livegate. The tests in \`${basename(tests)}\` say what it does.

- Who decided on these rules, and when are they looked at again?
- What does it leave out, and why?

`
}

async function writeNew(
  session: Session,
  files: readonly (readonly [path: string, text: string])[],
): Promise<void> {
  for (const [path] of files)
    if (await isThere(session.path(path)))
      throw incomplete(
        `Cannot create ${quote(path)}: it exists already, expected no such file`,
        'nothing was written; name another place',
      )
  const written: string[] = []
  try {
    for (const [path, text] of files) {
      await mkdir(dirname(session.path(path)), { recursive: true })
      // `wx`: somebody may have been faster since we looked.
      await writeFile(session.path(path), text.replace(/\n+$/, '\n'), { flag: 'wx' })
      written.push(path)
    }
  } catch (error) {
    for (const path of written) await rm(session.path(path), { force: true })
    throw error
  }
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    (error: { code?: string }) => {
      if (error.code === 'ENOENT') return false
      throw error
    },
  )
}
