/**
 * What keepers have counted about media servers, for Prometheus: names as on the Node host (docs/spec/api.md, "Metrics"), by server.
 *
 * Counted since the keeper's object woke: a counter that begins anew is what counters are read as.
 */
import { opened } from './rpc.ts'
import type { KeeperRpc, KeptCounts } from './rpc-keeper.ts'

export interface CountedServer {
  /** What its samples are under; of servers that have registered, their template: they are added up. */
  readonly id: string
  /** Of one that has registered. */
  readonly state?: 'live' | 'leaving'
  readonly keeper: Pick<KeeperRpc, 'counts'>
}

type Labels = Readonly<Record<string, string>>

interface Family {
  readonly name: string
  readonly about: string
  readonly samples: (counts: KeptCounts) => readonly (readonly [labels: Labels, value: number])[]
}

const FAMILIES: readonly Family[] = [
  {
    name: 'livegate_observed_stream_seconds_total',
    about: 'time that media servers were seen to run streams, `yes` under a decision or `no`',
    samples: ({ covered_s, uncovered_s }) => [
      [{ covered: 'yes' }, covered_s],
      [{ covered: 'no' }, uncovered_s],
    ],
  },
  {
    name: 'livegate_ungated_total',
    about:
      'publishers seen running that no decision covered: decided late, by why nobody had decided; or cut because nobody knows who it is, by the refusal of that',
    samples: ({ ungated }) => Object.entries(ungated).map(([cause, n]) => [{ cause }, n]),
  },
  {
    name: 'livegate_control_faults_total',
    about: 'calls to the control interface of a media server that told nothing',
    samples: ({ faults }) => Object.entries(faults).map(([fault, n]) => [{ fault }, n]),
  },
]

/** Lines of the text format; those of a keeper that does not answer are left out. */
export async function mediaMetrics(servers: readonly CountedServer[]): Promise<readonly string[]> {
  const found = await Promise.all(
    servers.map(async ({ id, keeper }) => {
      const counts = await opened(keeper.counts()).catch(() => null)
      return counts === null ? [] : [{ id, counts }]
    }),
  )
  const counted = found.flat()
  const lines = FAMILIES.flatMap(({ name, about, samples }) => [
    `# HELP ${name} ${about}`,
    `# TYPE ${name} counter`,
    ...addedUp(
      counted.flatMap(({ id, counts }) =>
        samples(counts).map(([labels, value]) => [nameOf(name, { server: id, ...labels }), value]),
      ),
    ),
  ])
  return [...(counted.length === 0 ? [] : lines), ...registeredLines(servers)]
}

/** As on Node: livegate_media_servers. */
function registeredLines(servers: readonly CountedServer[]): readonly string[] {
  const name = 'livegate_media_servers'
  const about = 'media servers that have registered themselves, `live` or `leaving`'
  const each = servers.flatMap(({ id, state }): [string, number][] =>
    state === undefined ? [] : [[nameOf(name, { template: id, state }), 1]],
  )
  if (each.length === 0) return []
  return [`# HELP ${name} ${about}`, `# TYPE ${name} gauge`, ...addedUp(each)]
}

function addedUp(samples: readonly (readonly [name: string, value: number])[]): readonly string[] {
  const sums = new Map<string, number>()
  for (const [name, value] of samples) sums.set(name, (sums.get(name) ?? 0) + value)
  return [...sums].map(([name, value]) => `${name} ${value}`)
}

/** Ids of servers, causes and faults need no escapes. */
function nameOf(name: string, labels: Labels): string {
  const shown = Object.entries(labels).map(([label, text]) => `${label}="${text}"`)
  return `${name}{${shown.join(',')}}`
}
