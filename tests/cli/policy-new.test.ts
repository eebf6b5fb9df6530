/** Policies started from what comes with livegate: in order at once, never over something, also from an installed package. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { schemasFrom } from '../../src/cli/commands/policy-new.ts'
import { packNames } from '../../src/cli/policy/packs.ts'
import { aDirectory, type Ran, run } from './a-world.ts'

const ROOT = join(import.meta.dirname, '../..')
let dir: string
let go: (...words: readonly string[]) => Promise<Ran>

beforeEach(() => {
  dir = aDirectory()
  go = (...words) => run(dir, ['policy', ...words])
})

const read = (path: string): string => readFileSync(join(dir, path), 'utf8')

describe('policy new', () => {
  it('knows every policy that comes with livegate', async () => {
    const packs = readdirSync(join(ROOT, 'policies/packs')).sort()
    expect(await packNames()).toEqual(['default', ...packs])
  })

  for (const pack of ['default', ...readdirSync(join(ROOT, 'policies/packs'))]) {
    it(`starts a directory from ${pack} that lint and test find in order`, async () => {
      const made = await go('new', 'rules/ours', '--from', pack)
      expect(made).toEqual({
        exit: 0,
        out: 'rules/ours/ours.yaml\nrules/ours/ours.test.yaml\nrules/ours/README.md\n',
        err: 'change it, then: livegate policy test rules/ours\n',
      })
      expect((await go('lint', '--strict', 'rules')).out).toMatch(/^1 file: 0 errors, 0 warnings/)
      const tested = await go('test', '--quiet', '--min-coverage', '100', 'rules')
      expect([tested.exit, tested.err]).toEqual([0, ''])
    })
  }

  it('prints what docs/cli.md shows', async () => {
    const page = readFileSync(join(ROOT, 'docs/cli.md'), 'utf8')
    const [, words = '', shown] =
      /### policy new\n[\s\S]*?```console\n\$ livegate policy (.*)\n([\s\S]*?)```/.exec(page) ?? []
    expect((await go(...words.split(' '))).out).toBe(shown)
  })

  it('writes the name, the day and nothing else anew, and a page to go on with', async () => {
    await go('new', 'ours', '--from', 'three-strikes')
    const lines = (text: string): readonly string[] => text.split('\n')
    const before = lines(
      readFileSync(join(ROOT, 'policies/packs/three-strikes/three-strikes.yaml'), 'utf8'),
    )
    const changed = lines(read('ours/ours.yaml')).filter((line) => !before.includes(line))
    expect(changed).toEqual(['name: ours', 'as_of: 2026-01-31'])
    expect(lines(read('ours/ours.test.yaml'))[0]).toBe('policy: ./ours.yaml')
    expect(read('ours/README.md')).toMatch(
      /^# ours\n\nStarted on 2026-01-31 from the pack `three-strikes` of livegate\./,
    )
  })

  it('starts a file where one is named', async () => {
    const made = await go('new', 'rules/ours.yaml', '--from', 'small-community', '--json')
    expect(JSON.parse(made.out)).toEqual({
      name: 'ours',
      from: 'small-community',
      files: ['rules/ours.yaml', 'rules/ours.test.yaml', 'rules/ours.md'],
    })
    expect((await go('test', '--quiet', 'rules')).exit).toBe(0)
  })

  for (const name of ['true', '2026', 'Ärger', 'a.b', 'under_score', 'null'])
    it(`can be named ${name}`, async () => {
      await go('new', name, '--from', 'default')
      expect((await go('test', '--quiet', name)).exit).toBe(0)
      expect(read(`${name}/${name}.yaml`)).toContain(`name: ${JSON.stringify(name)}\n`)
    })

  it('leaves the line for editors out where the package lies elsewhere', async () => {
    await go('new', 'ours', '--from', 'eu-profile')
    expect(read('ours/ours.yaml')).toMatch(/^livegate: policy\/v1\n/)
    expect(read('ours/ours.test.yaml')).not.toContain('yaml-language-server')
  })

  it('points editors at the schema of a package inside the project', async () => {
    // From where the repository is a folder of the project; nothing is written there.
    const session = { world: { cwd: dirname(ROOT) }, path: (name: string) => join(ROOT, name) }
    expect(schemasFrom(session, 'rules/ours')).toBe('../../policies/')
    expect(schemasFrom(session, 'policies')).toBe('./')
    expect(schemasFrom({ ...session, world: { cwd: dir } }, 'rules')).toBeNull()
  })

  it('writes nothing where any of its files is there', async () => {
    for (const there of ['ours/ours.yaml', 'ours/ours.test.yaml', 'ours/README.md']) {
      const folder = aDirectory()
      mkdirSync(join(folder, 'ours'))
      writeFileSync(join(folder, there), 'mine')
      const made = await run(folder, ['policy', 'new', 'ours', '--from', 'default'])
      expect(made).toEqual({
        exit: 1,
        out: '',
        err: `error: Cannot create \`${there}\`: it exists already, expected no such file\nhint: nothing was written; name another place\n`,
      })
      expect(readdirSync(join(folder, 'ours'))).toEqual([basename(there)])
      expect(readFileSync(join(folder, there), 'utf8')).toBe('mine')
    }
  })

  it('says which packs there are, and the nearest', async () => {
    const packs =
      'packs are default, eu-profile, meta-ladder-2023, one-strike-2019, small-community, three-strikes, uk-livestream'
    expect(await go('new', 'ours', '--from', 'three-strike')).toEqual({
      ...{ exit: 2, out: '' },
      err: `error: Cannot start from \`three-strike\`: there is no such pack\nhint: did you mean \`three-strikes\`? ${packs}\n`,
    })
    expect((await go('new', 'ours', '--from', '../../src')).err).toContain(`hint: ${packs}\n`)
    expect(await go('new', 'ours')).toEqual({
      ...{ exit: 2, out: '' },
      err: `error: Cannot start a policy: no pack is named, expected --from\nhint: ${packs}\n`,
    })
    expect(existsSync(join(dir, 'ours'))).toBe(false)
  })

  for (const path of ['.', '..', '.yaml', 'a b', 'ours.test.yaml', 'x'.repeat(65), '-'])
    it(`refuses the name ${path}`, async () => {
      const made = await go('new', '--from', 'default', '--', path)
      expect([made.exit, made.out]).toEqual([2, ''])
      expect(made.err).toMatch(/^error: Cannot name a policy `.*\nhint: name a new directory/)
    })

  it('says so when a file stands where the directory would be', async () => {
    writeFileSync(join(dir, 'ours'), 'a file')
    const made = await go('new', 'ours', '--from', 'default')
    expect([made.exit, made.out]).toEqual([1, ''])
    expect(made.err).toBe(
      'error: Cannot use `ours/ours.yaml`: it is a file, expected a directory\n',
    )
  })
})
