/** Lines of Prometheus text, version 0.0.4. */

export interface MetricHead {
  readonly name: string
  readonly type: 'gauge' | 'counter'
  readonly about: string
}

export type Labels = Readonly<Record<string, string>>

/** What stands before the values of a metric, once. */
export function headOf({ name, type, about }: MetricHead): readonly string[] {
  return [`# HELP ${name} ${about}`, `# TYPE ${name} ${type}`]
}

/** One value. */
export function sample(name: string, labels: Labels, value: number): string {
  const shown = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`)
  return shown.length === 0 ? `${name} ${value}` : `${name}{${shown.join(',')}} ${value}`
}

/** A metric with all its values; nothing at all where it has none. */
export function family(
  head: MetricHead,
  samples: readonly (readonly [labels: Labels, value: number])[],
): readonly string[] {
  if (samples.length === 0) return []
  return [...headOf(head), ...samples.map(([labels, value]) => sample(head.name, labels, value))]
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}
