/** What a media server has just said of its sessions, as its keeper is told. */
import { describe, expect, it } from 'vitest'
import { BUSY_MS, createSpokenBook } from '../../../src/adapters/cloudflare/spoken-sessions.ts'

function aBook() {
  let now = 1_000_000
  const book = createSpokenBook(() => now)
  const pass = (ms: number): void => {
    now += ms
  }
  return { book, pass }
}

describe('the sessions a server has spoken of', () => {
  it('are only those that are asked about', () => {
    const { book } = aBook()
    book.note('1', 'hook')
    expect(book.of(['2'])).toEqual({ busy: [], heard: [], asked: [] })
    expect(book.of(['1', '2'])).toEqual({ busy: ['1'], heard: [], asked: ['1'] })
  })

  it('are busy while a start may take, and were asked about ever after', () => {
    const { book, pass } = aBook()
    book.note('1', 'hook')
    pass(BUSY_MS - 1)
    expect(book.of(['1'])).toMatchObject({ busy: ['1'] })
    pass(1)
    expect(book.of(['1'])).toMatchObject({ busy: [], asked: ['1'] })
  })

  it('run as long as the server goes on asking, in its own rhythm', () => {
    const { book, pass } = aBook()
    book.note('1', 'poll')
    pass(60_000)
    expect(book.of(['1'])).toMatchObject({ heard: ['1'], busy: [], asked: [] })
    pass(2_000)
    expect(book.of(['1'])).toMatchObject({ heard: [] })
    book.note('1', 'poll')
    pass(2_000)
    book.note('1', 'poll')
    pass(4_999)
    expect(book.of(['1'])).toMatchObject({ heard: ['1'] })
    pass(2)
    expect(book.of(['1'])).toMatchObject({ heard: [] })
  })

  it('are forgotten, the oldest first, when there are too many', () => {
    const { book } = aBook()
    book.note('first', 'hook')
    book.note('second', 'hook')
    for (let i = 0; i < 19_998; i++) book.note(`${i}`, 'hook')
    book.note('first', 'poll')
    book.note('one more', 'hook')
    expect(book.of(['first', 'second']).asked).toEqual(['first'])
  })

  it('are not for ever when a clock steps back', () => {
    const { book, pass } = aBook()
    book.note('1', 'hook')
    book.note('1', 'poll')
    pass(-3_600_000)
    expect(book.of(['1'])).toEqual({ busy: [], heard: [], asked: ['1'] })
  })
})
