/**
 * What keepers have counted about media servers, for Prometheus: names as on the Node host (docs/spec/api.md, "Metrics"), by server.
 *
 * Counted since the keeper's object woke: a counter that begins anew is what counters are read as.
 */
import { opened } from './rpc.ts'
import type { KeeperRpc, KeptCounts } from './rpc-keeper.ts'

export interface CountedServer {
  readonly id: string
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
  if (counted.length === 0) return []
  return FAMILIES.flatMap(({ name, about, samples }) => [
    `# HELP ${name} ${about}`,
    `# TYPE ${name} counter`,
    ...counted.flatMap(({ id, counts }) =>
      samples(counts).map(([labels, value]) => sampleOf(name, { server: id, ...labels }, value)),
    ),
  ])
}

/** Ids of servers, causes and faults need no escapes. */
function sampleOf(name: string, labels: Labels, value: number): string {
  const shown = Object.entries(labels).map(([label, text]) => `${label}="${text}"`)
  return `${name}{${shown.join(',')}} ${value}`
}
