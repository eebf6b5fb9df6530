/** A pipe that is so many seconds long: nothing early, nothing after the end, bounded. With real pipes: ../process.test.ts. */
import { PassThrough } from 'node:stream'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type DelayEnd, delayBytes } from '../../../src/cli/media/delay.ts'
import { handTime, settled } from '../../adapters/media/hand-time.ts'
import { aDirectory, run } from '../a-world.ts'

const DELAY = 5_000

function aPipe(limit = 1_000_000) {
  const time = handTime()
  const input = new PassThrough()
  const output = new PassThrough({ highWaterMark: 1_000_000 })
  const stop = new AbortController()
  const out: { at: number; bytes: string }[] = []
  output.on('data', (chunk: Buffer) => {
    out.push({ at: time.elapsed(), bytes: chunk.toString() })
  })
  let end: DelayEnd | null = null
  const { elapsed, after } = time
  const { signal } = stop
  void delayBytes({ input, output, delay_ms: DELAY, limit, elapsed, after, signal }).then((how) => {
    end = how
  })
  const text = (): string => out.map(({ bytes }) => bytes).join('')
  return { time, input, output, stop, out, text, ended: () => end }
}

/** Streams speak in turns of their own. */
async function turns(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve))
  await settled()
}

async function pass(pipe: ReturnType<typeof aPipe>, ms: number): Promise<void> {
  await turns()
  await pipe.time.advance(ms)
  await turns()
}

describe('delayed bytes', () => {
  it('come out whole and in order, each so long after it came in', async () => {
    const pipe = aPipe()
    pipe.input.write('one ')
    await pass(pipe, 2_000)
    pipe.input.write('two')
    await pass(pipe, 2_999)
    expect(pipe.text()).toBe('')
    await pass(pipe, 1)
    expect(pipe.text()).toBe('one ')
    await pass(pipe, 1_999)
    expect(pipe.text()).toBe('one ')
    await pass(pipe, 1)
    expect(pipe.text()).toBe('one two')
    expect(pipe.time.timers()).toEqual([])
    pipe.input.write('!')
    await pass(pipe, DELAY)
    expect(pipe.text()).toBe('one two!')
  })

  it('never leave early, whatever comes when', async () => {
    const steps = fc.array(
      fc.record({ wait: fc.integer({ min: 0, max: 4_000 }), size: fc.integer({ min: 1, max: 9 }) }),
      { minLength: 1, maxLength: 12 },
    )
    await fc.assert(
      fc.asyncProperty(steps, async (list) => {
        const pipe = aPipe()
        const came: number[] = []
        for (const { wait, size } of list) {
          await pass(pipe, wait)
          for (let i = 0; i < size; i++) came.push(pipe.time.elapsed())
          pipe.input.write('x'.repeat(size))
        }
        await pass(pipe, DELAY)
        const left = pipe.out.flatMap(({ at, bytes }) => [...bytes].map(() => at))
        expect(left.map((at, i) => at - (came[i] ?? 0))).toEqual(came.map(() => DELAY))
      }),
      { numRuns: 30 },
    )
  })

  it('that are still held when the input ends are never seen', async () => {
    const pipe = aPipe()
    pipe.input.write('shown')
    await pass(pipe, DELAY)
    pipe.input.write('held')
    pipe.input.end()
    await turns()
    expect(pipe.ended()).toBe('ended')
    await pass(pipe, 2 * DELAY)
    expect(pipe.text()).toBe('shown')
    expect(pipe.time.timers()).toEqual([])
  })

  const ends = [
    [
      'a broken input',
      'ended',
      (pipe: ReturnType<typeof aPipe>) => pipe.input.destroy(new Error()),
    ],
    ['a person who stops it', 'ended', (pipe: ReturnType<typeof aPipe>) => pipe.stop.abort()],
    [
      'a reader who goes',
      'closed',
      (pipe: ReturnType<typeof aPipe>) => pipe.output.destroy(new Error()),
    ],
  ] as const
  for (const [name, how, happen] of ends)
    it(`${name} ends it, and what is held goes nowhere`, async () => {
      const pipe = aPipe()
      pipe.input.write('held')
      await turns()
      happen(pipe)
      await turns()
      expect(pipe.ended()).toBe(how)
      await pass(pipe, 2 * DELAY)
      expect(pipe.text()).toBe('')
    })

  it('above the limit end it: nothing is let out early to make room', async () => {
    const pipe = aPipe(10_000)
    pipe.input.write('a'.repeat(5_000))
    await pass(pipe, 1_000)
    expect(pipe.ended()).toBeNull()
    pipe.input.write('b'.repeat(5_000))
    await pass(pipe, DELAY)
    expect(pipe.ended()).toBe('full')
    expect(pipe.text()).toBe('')
  })

  it('one by one cost more than their size, so that they are bounded too', async () => {
    const pipe = aPipe(10_000)
    for (let i = 0; i < 30; i++) {
      pipe.input.write('x')
      await turns()
    }
    expect(pipe.ended()).toBe('full')
  })

  it('make room when they have left', async () => {
    const pipe = aPipe(10_000)
    for (let i = 0; i < 10; i++) {
      pipe.input.write('x'.repeat(8_000))
      await pass(pipe, DELAY)
    }
    expect(pipe.ended()).toBeNull()
    expect(pipe.text()).toHaveLength(80_000)
  })

  it('wait while nobody reads, and go on when somebody does', async () => {
    const time = handTime()
    const [input, output] = [new PassThrough(), new PassThrough({ highWaterMark: 4 })]
    const { elapsed, after } = time
    const { signal } = new AbortController()
    void delayBytes({ input, output, delay_ms: DELAY, limit: 10_000, elapsed, after, signal })
    for (const text of ['four', 'more']) {
      input.write(text)
      await turns()
    }
    await time.advance(DELAY)
    expect(output.readableLength).toBe(4)
    let text = ''
    output.on('data', (chunk: Buffer) => {
      text += chunk.toString()
    })
    await turns()
    expect(text).toBe('fourmore')
  })
})

describe('livegate media delay', () => {
  const wrong = [
    ['--seconds 0', 'Cannot use --seconds `0`: expected a whole number from 1 to 3600'],
    ['--seconds 3601', 'Cannot use --seconds `3601`: expected a whole number from 1 to 3600'],
    ['--seconds 1.5', 'Cannot use --seconds `1.5`: expected a whole number from 1 to 3600'],
    ['--seconds -1', 'Cannot use --seconds `-1`: expected a whole number from 1 to 3600'],
    ['--seconds 1 --memory 0', 'Cannot use --memory `0`: expected a whole number from 1 to 4096'],
    ['--seconds 1 --json', 'Cannot delay as JSON: the output is the input, later'],
  ] as const
  for (const [words, message] of wrong)
    it(`refuses ${words}`, async () => {
      const ran = await run(aDirectory(), ['media', 'delay', ...words.split(' ')])
      expect(ran.exit).toBe(2)
      expect(ran.err).toContain(message)
    })

  it('says what was too much', async () => {
    const input = new PassThrough()
    input.write(Buffer.alloc(1_100_000))
    const pipe = () => ({ input, output: new PassThrough() })
    const words = ['media', 'delay', '--seconds', '60', '--memory', '1']
    const ran = await run(aDirectory(), words, { pipe })
    expect([ran.exit, ran.err]).toEqual([
      1,
      'error: Cannot hold more than 1 MiB back: the stream has more in 60 s\nhint: give it more with --memory, or let the encoder send less\n',
    ])
  })

  it('ends well when its input does', async () => {
    const ran = await run(aDirectory(), ['media', 'delay', '--seconds', '60'])
    expect(ran).toEqual({ exit: 0, out: '', err: '' })
  })
})
