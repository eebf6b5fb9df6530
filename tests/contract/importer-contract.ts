/**
 * What every host that takes in a moving deployment must do, as one story: refusals first, then the file in pieces that
 * overlap, with memory lost in between, then the end.
 */
import { describe, expect, it } from 'vitest'
import type { Importer, MoveProgress } from '../../src/core/move/importer.ts'
import type { MoveHeader, MoveLine } from '../../src/core/move/lines.ts'

/** A fresh host under test. */
export interface ImportingHost {
  readonly header: MoveHeader
  /** All lines after the header. */
  readonly lines: readonly MoveLine[]
  /** Works with the importer as it is found after everything in memory was lost. */
  with<T>(work: (importer: Importer) => Promise<T>): Promise<T>
  /** Resolves false while nobody is decided about. */
  decides(): Promise<boolean>
}

const CONFLICT = { code: 'conflict' }

/** Runs the story; `host` is asked once, before the first test. */
export function importerContract(host: () => ImportingHost): void {
  const put = (
    from: number,
    lines: readonly MoveLine[],
    change: object = {},
  ): Promise<MoveProgress> =>
    host().with((importer) =>
      importer.put({ header: { ...host().header, ...change }, from, lines }),
    )

  describe('an importer', () => {
    it.each([
      ['another pepper', { pepper_probe: 'A'.repeat(43) }],
      ['logs the old one does not name', { successors: ['gate.example/log/elsewhere'] }],
    ])('refuses a file of %s, and goes on as if it had never come', async (_name, change) => {
      await expect(put(1, [], change)).rejects.toMatchObject(CONFLICT)
      await expect(put(1, host().lines.slice(0, 1), change)).rejects.toMatchObject(CONFLICT)
    })

    it('begins with the header, again and again', async () => {
      const begun = { lines: 1, finished: false }
      for (let i = 0; i < 2; i++)
        expect(await host().with((importer) => importer.begin(host().header))).toEqual(begun)
      expect(await put(1, [])).toEqual(begun)
      expect(await host().decides()).toBe(false)
    })

    it('refuses another file from then on, and a gap', async () => {
      const counts = { ...host().header.counts, records: 1 }
      await expect(put(1, [], { counts })).rejects.toMatchObject(CONFLICT)
      await expect(put(2, host().lines.slice(1, 2))).rejects.toMatchObject(CONFLICT)
      expect(await put(1, [])).toEqual({ lines: 1, finished: false })
    })

    it('takes lines in order, passes over those it has, and decides about nobody until the last', async () => {
      const { lines } = host()
      // Two lines that came before, and two new ones.
      for (let to = 2; to < lines.length - 1; to += 2) {
        const from = Math.max(0, to - 4)
        const progress = { lines: to + 1, finished: false }
        expect(await put(from + 1, lines.slice(from, to))).toEqual(progress)
        expect(await put(from + 1, lines.slice(from, to - 1))).toEqual(progress)
        expect(await host().decides()).toBe(false)
      }
      const taken = (await put(1, [])).lines
      await put(taken, lines.slice(taken - 1, -1))
      expect(await put(1, [])).toEqual({ lines: lines.length, finished: false })
      expect(await host().decides()).toBe(false)
    })

    it('ends with the end; after that the same file is nothing new, and another one is refused', async () => {
      const { lines, header } = host()
      const done = { lines: lines.length + 1, finished: true }
      expect(await put(lines.length, lines.slice(-1))).toEqual(done)
      expect(await put(1, lines)).toEqual(done)
      expect(await host().with((importer) => importer.begin(header))).toEqual(done)
      const counts = { ...header.counts, subjects: 0 }
      await expect(put(1, [], { counts })).rejects.toMatchObject(CONFLICT)
      expect(await host().decides()).toBe(true)
    })
  })
}
