/**
 * Lanes of marks and bars as lines of text over one axis, from milliseconds to centuries.
 *
 * Knows nothing of rules. A bar covers the columns its instants fall into, at least one; what ends beyond the axis has
 * an arrow. ASCII or UTF-8; a character is one column. Next: timeline.ts.
 */
import {
  DAY_MS,
  type EpochMs,
  formatInstant,
  HOUR_MS,
  isEpochMs,
  MINUTE_MS,
  SECOND_MS,
} from '../time.ts'

export interface TimelineOptions {
  /** Width of a line, 40 to 200; 80 unless given. */
  readonly columns?: number
  /** Draws with ASCII characters only. */
  readonly ascii?: boolean
}

export interface Mark {
  readonly at: EpochMs
  /** A kind of mark, or a character to draw. */
  readonly sign: string
}

export interface Lane {
  readonly label: string
  /** `[from, until)`; infinite where nothing begins or ends it. */
  readonly spans: readonly {
    readonly from: number
    readonly until: number
    readonly faint?: true
  }[]
  readonly marks: readonly Mark[]
  /** What is said behind the line. */
  readonly note: string
}

interface Signs {
  readonly strike: string
  readonly gone: string
  readonly later: string
  readonly yes: string
  readonly bar: string
  readonly faint: string
  readonly end: string
  readonly on: string
  readonly since: string
  readonly now: string
  readonly here: string
  readonly axis: string
  readonly tick: string
}

const ASCII: Signs = {
  strike: '*',
  gone: 'x',
  later: 'o',
  yes: 'v',
  bar: '=',
  faint: '.',
  end: ')',
  on: '>',
  since: '<',
  now: ':',
  here: '^',
  axis: '-',
  tick: '+',
}
const UTF8: Signs = {
  strike: '●',
  gone: '✕',
  later: '○',
  yes: '✓',
  bar: '━',
  faint: '┄',
  end: '╸',
  on: '▶',
  since: '◀',
  now: '┊',
  here: '▲',
  axis: '─',
  tick: '┴',
}

/** An axis of `width` columns from `from` to `to`. */
interface Axis {
  readonly from: number
  readonly to: number
  readonly width: number
}

/**
 * Draws `lanes` and, as far as they turn within the time the lanes span, `extra`. Without lanes the axis spans what
 * is near `now` in `extra`.
 */
export function draw(
  lanes: readonly Lane[],
  extra: readonly Lane[],
  now: EpochMs,
  options: TimelineOptions,
): string[] {
  const columns = Math.min(200, Math.max(40, Math.floor(options.columns ?? 80)))
  const signs = options.ascii === true ? ASCII : UTF8
  const own = rangeOf(lanes, now)
  const range = own ?? rangeOf(extra, now)
  if (range === null) return []
  const turns = ({ spans }: Lane): boolean =>
    spans.some(({ from, until }) => isInside(from, range) || isInside(until, range))
  const shown = own === null ? extra : [...lanes, ...extra.filter(turns)]
  const label = Math.min(24, Math.max(3, ...shown.map((lane) => lane.label.length)))
  const longest = Math.max(...shown.map(({ note }) => note.length), shortInstant(now).length)
  const spare = columns - label - 4
  const width = spare - longest < 16 ? spare : spare - longest
  const axis: Axis = { ...range, width }
  const line = (name: string, cells: readonly string[], note: string): string =>
    `${cut(name, label).padEnd(label)}  ${cells.join('')}  ${spare === width ? '' : note}`.trimEnd()
  const here = cells(axis)
  here[columnOf(now, axis)] = signs.here
  const [ticks, names] = drawAxis(axis, signs)
  return [
    ...shown.map((lane) => line(lane.label, drawLane(lane, axis, signs, now), lane.note)),
    line('now', here, shortInstant(now)),
    line('', ticks, ''),
    line('', names, ''),
  ]
}

function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, width - 1)}~`
}

function cells({ width }: Axis): string[] {
  return Array.from({ length: width }, () => ' ')
}

function isInside(
  at: number,
  { from, to }: { readonly from: number; readonly to: number },
): boolean {
  return at > from && at < to
}

/** From the first thing to the last, with a little room; null when there is nothing but now. */
function rangeOf(lanes: readonly Lane[], now: EpochMs): { from: number; to: number } | null {
  const all = lanes.flatMap(({ spans, marks }) => [
    ...marks.map(({ at }) => at as number),
    ...spans.flatMap(({ from, until }) => [from, until]),
  ])
  const finite = all.filter(isEpochMs)
  if (finite.length === 0) return null
  let from: number = now
  let to: number = now
  for (const at of finite) {
    if (at < from) from = at
    if (at > to) to = at
  }
  const room = Math.max(1, Math.ceil((to - from) / 20))
  return {
    from: Math.max(MIN_MS, from === now ? from - room : from),
    to: Math.min(MAX_MS, to + room),
  }
}

const MIN_MS = -62_135_596_800_000
const MAX_MS = 253_402_300_799_999

function columnOf(at: number, { from, to, width }: Axis): number {
  const share = (at - from) / Math.max(1, to - from)
  return Math.min(width - 1, Math.max(0, Math.floor(share * width)))
}

function drawLane({ spans, marks }: Lane, axis: Axis, signs: Signs, now: EpochMs): string[] {
  const line = cells(axis)
  line[columnOf(now, axis)] = signs.now
  // A bar is drawn over what is faint, so that its end is seen.
  const order = [...spans].sort((a, b) => Number(b.faint ?? false) - Number(a.faint ?? false))
  for (const { from, until, faint } of order) {
    const first = columnOf(from, axis)
    const last = Math.max(first, columnOf(until, axis))
    for (let x = first; x <= last; x++) line[x] = faint === true ? signs.faint : signs.bar
    if (until > axis.to) line[last] = signs.on
    else if (last > first && faint !== true) line[last] = signs.end
    if (from < axis.from) line[first] = signs.since
  }
  for (const { at, sign } of marks)
    line[columnOf(at, axis)] = (signs as unknown as Readonly<Record<string, string>>)[sign] ?? sign
  return line
}

/** Lengths between ticks; months and years are taken from the calendar. */
const MONTH_MS: number = 30 * DAY_MS
const YEAR_MS: number = 365 * DAY_MS
const STEPS: readonly number[] = [
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500],
  ...[1, 2, 5, 10, 15, 30].map((n) => n * SECOND_MS),
  ...[1, 2, 5, 10, 15, 30].map((n) => n * MINUTE_MS),
  ...[1, 2, 3, 6, 12].map((n) => n * HOUR_MS),
  ...[1, 2, 5, 10, 14].map((n) => n * DAY_MS),
  ...[1, 2, 3, 6].map((n) => n * MONTH_MS),
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000].map((n) => n * YEAR_MS),
]

/** Columns a tick and its name need at least. */
const TICK_COLUMNS = 14

function drawAxis(axis: Axis, signs: Signs): [ticks: string[], names: string[]] {
  const { from, to, width } = axis
  const wanted = ((to - from) / width) * TICK_COLUMNS
  const step = STEPS.find((size) => size >= wanted) ?? (STEPS.at(-1) as number)
  const ticks = cells(axis).map(() => signs.axis)
  const names = cells(axis)
  let free = 0
  for (const at of tickInstants(from, to, step)) {
    const x = columnOf(at, axis)
    ticks[x] = signs.tick
    const name = nameOf(at as EpochMs, step)
    if (x < free || x + name.length > width) continue
    for (let i = 0; i < name.length; i++) names[x + i] = name.charAt(i)
    free = x + name.length + 1
  }
  return [ticks, names]
}

function tickInstants(from: number, to: number, step: number): number[] {
  const found: number[] = []
  if (step < MONTH_MS) {
    for (let at = Math.ceil(from / step) * step; at <= to; at += step) found.push(at)
    return found
  }
  const months = step < YEAR_MS ? Math.round(step / MONTH_MS) : Math.round(step / YEAR_MS) * 12
  const start = new Date(from)
  let month = start.getUTCFullYear() * 12 + start.getUTCMonth()
  for (month = Math.floor(month / months) * months; ; month += months) {
    const date = new Date(0)
    date.setUTCFullYear(Math.floor(month / 12), month % 12, 1)
    const at = date.getTime()
    if (!(at <= to)) return found
    if (at >= from) found.push(at)
  }
}

function nameOf(at: EpochMs, step: number): string {
  const text = formatInstant(at)
  if (step >= YEAR_MS) return text.slice(0, 4)
  if (step >= MONTH_MS) return text.slice(0, 7)
  if (step >= DAY_MS) return text.slice(0, 10)
  if (step >= MINUTE_MS) return text.slice(5, 16).replace('T', ' ')
  return step >= SECOND_MS ? text.slice(11, 19) : text.slice(14, 23)
}

/** An instant as short as it can be said: `2026-02-19`, `2026-02-19 14:00`, `2026-02-18 23:59:59.999`. */
export function shortInstant(at: EpochMs): string {
  const text = formatInstant(at).replace('T', ' ').replace('Z', '')
  if (at % DAY_MS === 0) return text.slice(0, 10)
  if (at % MINUTE_MS === 0) return text.slice(0, 16)
  return at % SECOND_MS === 0 ? text.slice(0, 19) : text
}
