/**
 * The second pass of an import: sends what the survey found good, several rows at a time, remembering how far it is.
 *
 * The state moves over a row only when the row and all before it have been answered. A row the gate refuses is noted and
 * passed over; an unreachable gate, a missing scope or the person's Ctrl-C ends the pass, to be continued by the same
 * command. Idempotent: every write goes under an identity of the file's own. From: survey.ts, state.ts.
 */
import { incomplete } from '../failure.ts'
import { type GateAnswer, type GateClient, problemFailure, problemOf } from '../gate-client.ts'
import type { Progress } from '../progress.ts'
import type { World } from '../world.ts'
import type { Mapping } from './mapping.ts'
import type { ImportNoun, Item } from './noun.ts'
import { readRows } from './rows.ts'
import { type ImportState, type Refused, saveState } from './state.ts'
import { readRow } from './survey.ts'

export interface SendInput<T extends Item> {
  readonly world: World
  readonly client: GateClient
  readonly path: string
  readonly mapping: Mapping
  readonly noun: ImportNoun<T>
  /** Identities with different contents: none of their rows is sent. */
  readonly conflicting: ReadonlySet<string>
  readonly state: ImportState
  readonly state_path: string
  /** Requests in flight at most. */
  readonly concurrency: number
  readonly progress: Progress
}

const SAVE_EVERY_MS = 1000
/** Refused rows kept with their words; more than that and the import ends, for something is wrong as a whole. */
const MAX_REFUSED = 1000

/** Sends everything behind the state and returns the last one; it is on disk, also when this rejects. */
export async function sendRows<T extends Item>(input: SendInput<T>): Promise<ImportState> {
  const sender = new Sender(input)
  const rows = pending(input)
  const lanes = Array.from({ length: input.concurrency }, () => sender.lane(rows))
  await Promise.all(lanes)
  await rows.return(undefined)
  await sender.save()
  if (sender.failure !== null) throw sender.failure
  return sender.state()
}

interface Pending {
  readonly ordinal: number
  readonly line: number
  /** Null: not to be sent. */
  readonly item: Item | null
}

async function* pending<T extends Item>(input: SendInput<T>): AsyncGenerator<Pending> {
  const sent = new Set<string>()
  const now = input.world.now()
  for await (const row of readRows(input.path, { columns: input.mapping.columns })) {
    if (row.ordinal <= input.state.acknowledged) continue
    const reading = readRow(row, { ...input, now })
    const item = reading.kind === 'item' ? reading.item : null
    const sends = item !== null && !sent.has(item.identity) && !input.conflicting.has(item.identity)
    if (sends) sent.add(item.identity)
    yield { ordinal: row.ordinal, line: row.line, item: sends ? item : null }
  }
}

class Sender<T extends Item> {
  readonly #input: SendInput<T>
  readonly #done = new Set<number>()
  readonly #refused: Refused[]
  #acknowledged: number
  #created: number
  #known: number
  #saved: number
  #saving: Promise<void> = Promise.resolve()
  failure: unknown = null

  constructor(input: SendInput<T>) {
    this.#input = input
    this.#acknowledged = input.state.acknowledged
    this.#created = input.state.created
    this.#known = input.state.known
    this.#refused = [...input.state.refused]
    this.#saved = input.world.now()
  }

  state(): ImportState {
    return {
      ...this.#input.state,
      acknowledged: this.#acknowledged,
      created: this.#created,
      known: this.#known,
      refused: this.#refused.toSorted((a, b) => a.line - b.line),
    }
  }

  /** Takes rows until there are none, or something ended the pass. */
  async lane(rows: AsyncGenerator<Pending>): Promise<void> {
    try {
      for (;;) {
        if (this.failure !== null) return
        if (this.#input.world.signal.aborted)
          throw incomplete('Cannot finish import: it was interrupted', CONTINUE)
        const next = await rows.next()
        if (next.done === true) return
        if (next.value.item !== null) await this.#send(next.value, next.value.item)
        this.#acknowledge(next.value.ordinal)
        await this.#saveNowAndThen()
      }
    } catch (error) {
      this.failure ??= error
    }
  }

  save(): Promise<void> {
    this.#saving = this.#saving.then(() => saveState(this.#input.state_path, this.state()))
    return this.#saving
  }

  async #send(row: Pending, item: Item): Promise<void> {
    const answer = await this.#input.client.send(item.request)
    if (answer.status === 201) this.#created++
    else if (answer.status >= 200 && answer.status < 300) this.#known++
    else this.#refuse(row.line, answer)
  }

  #refuse(line: number, answer: GateAnswer): void {
    const { code, detail, errors } = problemOf(answer)
    const aboutTheRow = code === 'invalid_request' || code === 'conflict' || code === 'not_found'
    if (!aboutTheRow) throw problemFailure(answer, 'import')
    const places = errors.map((fault) => `${fault.pointer}: ${fault.detail}`).join('; ')
    this.#refused.push({ line, problem: `${code}${detail}${places && ` (${places})`}` })
    if (this.#refused.length >= MAX_REFUSED)
      throw incomplete(`Cannot finish import: the gate has refused ${MAX_REFUSED} rows`)
  }

  #acknowledge(ordinal: number): void {
    this.#done.add(ordinal)
    while (this.#done.delete(this.#acknowledged + 1)) this.#acknowledged++
    this.#input.progress.update(this.#acknowledged)
  }

  async #saveNowAndThen(): Promise<void> {
    const now = this.#input.world.now()
    if (now - this.#saved < SAVE_EVERY_MS) return
    this.#saved = now
    await this.save()
  }
}

const CONTINUE = 'run the same command again to continue'
