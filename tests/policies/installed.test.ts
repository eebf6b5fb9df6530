/** `policy new` from an installed package: built, packed as package.json says, somewhere else on the disk. */
import { execFile } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { aDirectory } from '../cli/a-world.ts'

const ROOT = join(import.meta.dirname, '../..')
const call = promisify(execFile)

it('a package holds the policies, finds them, and names the schemas of the project it is in', async () => {
  const project = aDirectory()
  const home = join(project, 'node_modules/livegate')
  mkdirSync(home, { recursive: true })
  const { files, bin } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    files: readonly string[]
    bin: { livegate: string }
  }
  for (const name of ['package.json', ...files])
    if (name !== 'dist') cpSync(join(ROOT, name), join(home, name), { recursive: true })
  const tsc = join(ROOT, 'node_modules/.bin/tsc')
  await call(tsc, ['-p', join(ROOT, 'tsconfig.build.json'), '--outDir', join(home, 'dist')])
  // What it depends on, as an install would bring it.
  for (const name of readdirSync(join(ROOT, 'node_modules')))
    if (!existsSync(join(project, 'node_modules', name)))
      symlinkSync(join(ROOT, 'node_modules', name), join(project, 'node_modules', name))

  const livegate = async (...words: readonly string[]): Promise<string> =>
    (await call(process.execPath, [join(home, bin.livegate), ...words], { cwd: project })).stdout
  expect(await livegate('policy', 'new', 'rules/ours', '--from', 'eu-profile')).toBe(
    'rules/ours/ours.yaml\nrules/ours/ours.test.yaml\nrules/ours/README.md\n',
  )
  const [first] = readFileSync(join(project, 'rules/ours/ours.yaml'), 'utf8').split('\n')
  expect(first).toBe(
    '# yaml-language-server: $schema=../../node_modules/livegate/policies/policy.schema.json',
  )
  expect(await livegate('policy', 'lint', '--strict', 'rules')).toMatch(/^1 file: 0 errors, 0 warn/)
  expect(await livegate('policy', 'test', '--quiet', 'rules')).toMatch(/, 0 failed\n$/)
})
