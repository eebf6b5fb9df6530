/** Which entry of the servers file the doctor examines a server by that registered itself. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { EXIT } from '../../../src/cli/failure.ts'
import { run } from '../a-world.ts'

const FILE = `servers:
  - { id: edge-1, kind: nginx-rtmp, secret_env: A, subject: { from: stream_key } }
  - id: origins
    kind: nginx-rtmp
    secret_env: B
    subject: { from: stream_key }
    control: "http://{host}:8080"
    register: { hosts: [10.0.3.0/24] }
`

describe('media doctor of a server that registered', () => {
  const folder = mkdtempSync(join(tmpdir(), 'livegate-doctor-'))
  writeFileSync(join(folder, 'servers.yaml'), FILE)
  afterAll(() => rmSync(folder, { recursive: true }))
  /** Where to publish is read once the server is known. */
  const doctor = (...given: readonly string[]) =>
    run(
      folder,
      [...['media', 'doctor', '--servers', 'servers.yaml', '--publish', 'x'], ...given],
      {},
    )

  const cases: readonly (readonly [what: string, given: readonly string[], says: string])[] = [
    [
      'by its template is known',
      ['--server', 'origin-7', '--template', 'origins'],
      'Cannot read --publish',
    ],
    [
      'without its template is told to name it',
      ['--server', 'origin-7'],
      'hint: name the template',
    ],
    [
      'by a template nobody wrote is not',
      ['--server', 'o', '--template', 'x'],
      'has no such template',
    ],
    [
      'by a server of the file is not',
      ['--server', 'o', '--template', 'edge-1'],
      'has no such template',
    ],
    ['is not its template itself', ['--server', 'origins'], 'has no such server'],
  ]
  for (const [what, given, says] of cases)
    it(what, async () => {
      const { exit, err } = await doctor(...given)
      expect(exit).toBe(EXIT.usage)
      expect(err).toContain(says)
    })
})
