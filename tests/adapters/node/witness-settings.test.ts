/** The witness policy file of the Node host: read once, refused with every line that is wrong. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readWitnessSettings } from '../../../src/adapters/node/witness-settings.ts'
import { aDirectory } from '../../cli/a-world.ts'

const VKEY = 'witness.example/w+18284f18+BCmsuuFBvMrwsi4alNNNC8c2HlJtC/4SyJeUvJMilm3X'

function fileWith(content: string | Uint8Array): string {
  const path = join(aDirectory(), 'witnesses.txt')
  writeFileSync(path, content)
  return path
}

const refusal = (path: string): Promise<Error & { hint?: string }> =>
  readWitnessSettings(path).then(
    () => new Error('it was read'),
    (error: Error) => error,
  )

describe('the witness policy file', () => {
  it('is what asks witnesses; none is no witnesses', async () => {
    expect(await readWitnessSettings(null)).toBeNull()
    const settings = await readWitnessSettings(
      fileWith(`witness w ${VKEY} https://w.example\nquorum w\n`),
    )
    expect(settings?.policy.witnesses.map(({ url }) => url)).toEqual(['https://w.example'])
    for (let i = 0; i < 20; i++) {
      const jitter = settings?.jitter() ?? -1
      expect(jitter >= 0 && jitter <= 1).toBe(true)
    }
  })

  it('is refused with every fault and its line', async () => {
    const path = fileWith(`witness w ${VKEY} http://w.example\nquorum none\n`)
    const { message, hint } = await refusal(path)
    expect(message).toBe(
      [
        'Cannot read the witness policy',
        `Cannot read ${path}:1: \`w\` has the address \`http://w.example\`, expected a submission prefix: https://host/path, or http to this machine`,
        `Cannot read ${path}:2: no quorum is needed, expected a witness or a group`,
      ].join('\n'),
    )
    expect(hint).toContain('docs/hosts/node.md')
  })

  it('is refused when it is not there or not text', async () => {
    expect((await refusal('/nowhere/w.txt')).message).toContain('it cannot be opened')
    expect((await refusal(fileWith(new Uint8Array([0xff, 0xfe])))).message).toContain(
      'it is not UTF-8',
    )
  })
})
