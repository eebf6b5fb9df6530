/**
 * Reads the ```console blocks of a page: `$ command` lines and the output they promise, `…` standing for anything.
 */
export interface Example {
  readonly command: string
  /** Expected output lines; empty when the page shows none. */
  readonly output: readonly string[]
}

/** Examples of all console blocks of a page, in order. */
export function examplesOf(markdown: string): readonly Example[] {
  const examples: { command: string; output: string[] }[] = []
  for (const [, block = ''] of markdown.matchAll(/^```console\n([\s\S]*?)^```/gm))
    for (const line of block.trimEnd().split('\n')) {
      if (line.startsWith('$ ')) examples.push({ command: line.slice(2), output: [] })
      else examples.at(-1)?.output.push(line)
    }
  return examples
}

/** A pattern for a promised output: `…` inside a line is any text, a line of only `…` is any number of lines. */
export function patternOf(output: readonly string[]): RegExp {
  const text = output.join('\n')
  const escaped = text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
  return new RegExp(`^${escaped.replaceAll('…', '[\\s\\S]*?')}\\s*$`)
}
