/**
 * The bundle quoted by docs/spec/evidence.md, and that page's own tables against the code.
 *
 * Regenerate with `npx vitest run tests/core/evidence/vector.test.ts -u`; a difference is a change of the format.
 */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { FAULT_CLASSES } from '../../../src/core/evidence/faults.ts'
import {
  MAX_EVIDENCE_BYTES,
  MAX_EVIDENCE_ENTRIES,
  MAX_EVIDENCE_HASHES,
  MAX_EVIDENCE_RECORD_CHARS,
} from '../../../src/core/evidence/format.ts'
import { MAX_ENTRY_BYTES } from '../../../src/core/limits.ts'
import { MAX_NOTE_CHARS } from '../../../src/core/tlog/note.ts'
import { aBundle, aWorld, ORIGIN, VKEY, WITNESS_VKEY } from './evidence-world.ts'
import { read } from './reader.ts'

const FOLDER = '../../vectors/evidence'
const spec = readFileSync(new URL('../../../docs/spec/evidence.md', import.meta.url), 'utf8')
const world = await aWorld()

test('the bundle is made to the byte, and holds as the vector says', async () => {
  const file = await aBundle(world, { since: 4 })
  const { verdict, faults, replayed, decision, checkpoint, proves } = await read(file)
  const reader = {
    ...{ origin: ORIGIN, vkey: VKEY, witness: WITNESS_VKEY },
    ...{ verdict, faults, replayed, checkpoint, decision, proves },
  }
  await expect(file).toMatchFileSnapshot(`${FOLDER}/decision.json`)
  await expect(`${JSON.stringify(reader, null, 2)}\n`).toMatchFileSnapshot(`${FOLDER}/reader.json`)
  expect(decision?.index).toBe(7)
  expect(world.named.get('strike')).toBe(5)
  expect(world.named.get('reversal')).toBe(8)
})

test('every code of the specification has the class the code gives it, and no other is there', () => {
  const rows = [...spec.matchAll(/^\| `(\w+)` \| [^|]+ \| ([^|]+) \| (\d) \|$/gm)]
  const told = rows.flatMap(([, verdict = '', codes = '']) =>
    [...codes.matchAll(/`(\w+)`/g)].map(([, code = '']) => [code, verdict]),
  )
  expect(Object.fromEntries(told)).toEqual(FAULT_CLASSES)
  const steps = spec.slice(spec.indexOf('## Checking'), spec.indexOf('## Verdict'))
  for (const code of Object.keys(FAULT_CLASSES)) expect(steps, code).toContain(`\`${code}\``)
})

test('the limits of the specification are those of the code', () => {
  expect(MAX_EVIDENCE_BYTES).toBe(64 * 1024 * 1024)
  expect(spec).toContain('At most 64 MiB')
  const numbers = [
    MAX_EVIDENCE_ENTRIES,
    MAX_NOTE_CHARS,
    MAX_ENTRY_BYTES + MAX_EVIDENCE_RECORD_CHARS,
  ]
  for (const limit of numbers) expect(spec).toContain(limit.toLocaleString('en'))
  expect(spec).toContain(`at most ${MAX_EVIDENCE_HASHES} in a proof`)
})
