/** Lines of a file, whole and in parts: each once, in whichever part it begins. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { eachLine, type FilePart, type RawLine } from '../../src/cli/log/each-line.ts'
import { aDirectory } from './a-world.ts'

async function linesOf(path: string, part?: FilePart): Promise<readonly string[]> {
  const lines: string[] = []
  const use = ({ bytes, start, end, offset, line }: RawLine): void => {
    lines.push(`${offset} ${bytes.toString('utf8', start, end)}`)
    expect(line).toBe(lines.length)
  }
  await eachLine(path, () => undefined, use, part)
  return lines
}

test.each([
  ['an end to the last one', 'one\n\nthree is long\n4\n'],
  ['no end to the last one', 'one\n\nthree is long\n4'],
  ['none but ends', '\n\n\n'],
  ['one', 'no end'],
  ['nothing', ''],
])('lines with %s are the same wherever the file is cut', async (_, text) => {
  const path = join(aDirectory(), 'lines')
  writeFileSync(path, text)
  const whole = await linesOf(path)
  expect(whole.map((line) => line.replace(/^\d+ /, '')).join('\n')).toBe(text.replace(/\n$/, ''))
  for (let cut = 0; cut <= text.length; cut++)
    for (let second = cut; second <= text.length; second++) {
      const parts = [
        { from: 0, to: cut },
        { from: cut, to: second },
        { from: second, to: Number.POSITIVE_INFINITY },
      ]
      const all = await Promise.all(parts.map((part) => linesOf(path, part)))
      expect(all.flat()).toEqual(whole)
    }
})

test('a line longer than what is read at once is one line, and of the part it begins in', async () => {
  const path = join(aDirectory(), 'lines')
  const long = 'x'.repeat(3_000_000)
  writeFileSync(path, `a\n${long}\nb\n`)
  const parts = [
    { from: 0, to: 1_000_000 },
    { from: 1_000_000, to: 2_000_000 },
    { from: 2_000_000, to: Number.POSITIVE_INFINITY },
  ]
  const all = await Promise.all(parts.map((part) => linesOf(path, part)))
  expect(all).toEqual([['0 a', `2 ${long}`], [], ['3000003 b']])
})
