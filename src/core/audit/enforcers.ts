/**
 * Numbers of the records media servers asked for: for each instance of an adapter from 1, none twice, none left out.
 *
 * A gap is no proof: a process that ended leaves numbers of its last moments unused. It is named, because that is also what
 * a record looks like that was kept out of the log. Two different records under one number are a lie. Memory: the ranges
 * seen of each instance. Only records whose group `request` is opened are looked at. Spec: docs/spec/record.md, "Enforcers".
 */
import type { Findings } from './findings.ts'

/** What a record says of who asked for it. */
export interface Enforced {
  readonly server: string
  readonly enforcer: string
  readonly enf_seq: number
}

/** Of an instance: server, name, index of its newest record, up to where nothing is followed any more, ranges seen. */
export type EnforcerState = readonly [
  server: string,
  enforcer: string,
  index: number,
  floor: number,
  ranges: readonly (readonly [from: number, to: number])[],
]

interface Instance {
  readonly server: string
  readonly enforcer: string
  index: number
  floor: number
  /** Ascending, neither touching nor overlapping. */
  readonly ranges: [from: number, to: number][]
}

/** Instances followed: 100,000 of some 250 bytes are 25 MB. Whoever was seen longest ago is told of and forgotten. */
const MAX_INSTANCES = 100_000
/** Ranges kept of one instance; an honest one has as many as records are under way at once. */
const MAX_RANGES = 4_096
/** Gaps one notice names. */
const NAMED = 8

export class Enforcers {
  readonly #instances = new Map<string, Instance>()
  #records = 0

  constructor(state: readonly EnforcerState[] = []) {
    for (const [server, enforcer, index, floor, ranges] of state)
      this.#instances.set(`${enforcer} ${server}`, {
        ...{ server, enforcer, index, floor },
        ranges: ranges.map(([from, to]) => [from, to]),
      })
  }

  /** `certain`: it is known not to be the repeat of an entry, which is legal. */
  see({ server, enforcer, enf_seq }: Enforced, at: SeenAt, findings: Findings): void {
    this.#records++
    const name = `${enforcer} ${server}`
    const known = this.#instances.get(name)
    const instance = known ?? { server, enforcer, index: at.index, floor: 0, ranges: [] }
    // Whoever was seen last is last.
    if (known !== undefined) this.#instances.delete(name)
    this.#instances.set(name, instance)
    instance.index = at.index
    if (!added(instance, enf_seq) && at.certain)
      findings.add(
        'enforcer_repeat',
        at.index,
        `Number ${enf_seq} of instance ${enforcer} for \`${server}\` is on two different records`,
      )
    this.#forgetOldest(findings)
  }

  /** Names the gaps there are now. */
  finish(findings: Findings): void {
    for (const instance of this.#instances.values()) tellGaps(instance, findings)
  }

  counts(): { readonly instances: number; readonly records: number } {
    return { instances: this.#instances.size, records: this.#records }
  }

  state(): readonly EnforcerState[] {
    return [...this.#instances.values()].map(({ server, enforcer, index, floor, ranges }) => [
      ...([server, enforcer, index, floor] as const),
      ranges.map(([from, to]) => [from, to] as const),
    ])
  }

  #forgetOldest(findings: Findings): void {
    if (this.#instances.size <= MAX_INSTANCES) return
    const [oldest] = this.#instances
    if (oldest === undefined) return
    tellGaps(oldest[1], findings)
    this.#instances.delete(oldest[0])
  }
}

interface SeenAt {
  readonly index: number
  readonly certain: boolean
}

/** False when the number was there already. */
function added(instance: Instance, number: number): boolean {
  const { ranges } = instance
  if (number <= instance.floor) return true
  let at = ranges.length
  while (at > 0 && (ranges[at - 1]?.[0] ?? 0) > number) at--
  const before = ranges[at - 1]
  const after = ranges[at]
  if (before !== undefined && number <= before[1]) return false
  const touchesBefore = before?.[1] === number - 1
  const touchesAfter = after?.[0] === number + 1
  if (before !== undefined && after !== undefined && touchesBefore && touchesAfter) {
    before[1] = after[1]
    ranges.splice(at, 1)
  } else if (before !== undefined && touchesBefore) before[1] = number
  else if (after !== undefined && touchesAfter) after[0] = number
  else ranges.splice(at, 0, [number, number])
  if (ranges.length > MAX_RANGES) instance.floor = ranges.shift()?.[1] ?? instance.floor
  return true
}

function tellGaps({ server, enforcer, index, floor, ranges }: Instance, findings: Findings): void {
  const gaps: string[] = []
  let [next, missing] = [floor + 1, 0]
  for (const [from, to] of ranges) {
    missing += from - next
    if (from > next && gaps.length < NAMED)
      gaps.push(from - 1 === next ? `${next}` : `${next} to ${from - 1}`)
    next = to + 1
  }
  if (missing === 0) return
  const named = `${gaps.join(', ')}${gaps.length === NAMED ? ', …' : ''}`
  const all = `${missing} of ${next - 1 - floor}`
  findings.note(
    'enforcer_gap',
    index,
    `Instance ${enforcer} for \`${server}\` has no record under ${named} (${all}): a process that ended, a record that was not opened, or one left out`,
  )
}
