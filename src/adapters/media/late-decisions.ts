/**
 * Decides what runs already and is covered by nothing: recorded as ungated, with why nobody had decided it (G11).
 *
 * The decision is an ordinary one, in the server's name; a refusal leaves a broadcast that is being cut. Who proves whose
 * it is: listed.ts (from a list), resolve-subject.ts (from a poll). When: keeper.ts, polls.ts.
 */
import type { Enforcement } from '../../gate/enforcement.ts'
import type { Answer, DecideRequest, Gate } from '../../gate-types.ts'
import type { UngatedCause } from '../../ports.ts'
import type { MediaDialect } from './dialect.ts'
import type { Whose } from './listed.ts'
import type { MediaServer } from './servers-file.ts'

export interface Late {
  readonly server: MediaServer
  readonly dialect: MediaDialect
  readonly session: string
  readonly handle: string
  readonly whose: Pick<Whose, 'subject' | 'stream'>
  readonly cause: UngatedCause
  /** What its publisher speaks, where that is known; the dialect's usual one otherwise. */
  readonly ingest?: string
  readonly enforcement: Enforcement | undefined
  /** What it can be asked for as it runs; what its kind can unless given. */
  readonly supports?: readonly string[]
}

/** May it go on? Rejects when that cannot be answered now; it runs on undecided then. */
export async function decideLate(gate: Pick<Gate, 'decide'>, late: Late): Promise<Answer> {
  return gate.decide(requestFor(late))
}

function requestFor(late: Late): DecideRequest {
  const { server, dialect, session, handle, whose, cause, enforcement } = late
  const { ingest = dialect.ingest, supports = dialect.capabilities.supports } = late
  const { territory } = server
  return {
    subject: whose.subject,
    stream: { id: whose.stream },
    request: { ingest, ...(territory === null ? {} : { territory }) },
    facts: {},
    supports,
    caller: `hook:${server.id}`,
    session: { server: server.id, session, handle },
    ungated: cause,
    ...(server.enforce === undefined ? {} : { enforce: server.enforce }),
    ...(enforcement === undefined ? {} : { enforcement }),
  }
}

/** Why nobody had decided it, as far as it can be known. Pure. */
export function causeOf(known: {
  /** This very session had a lease for the stream. */
  readonly leased: boolean
  /** This process has been asked about the session. */
  readonly asked: boolean
  /** It began while this process did not run. */
  readonly before: boolean
  readonly when_down: MediaServer['when_down']
}): UngatedCause {
  if (known.leased) return 'lease_lost'
  if (known.asked) return 'start_lost'
  return known.before || known.when_down === 'allow' ? 'gate_unreachable' : 'unasked'
}
