/**
 * The words of boundary cases: edges, numbers and values of facts as they stand in a sentence.
 */

import type { EpochMs } from '../../time.ts'
import { type DurationMs, formatDuration } from '../../time.ts'
import type { FactAt } from '../vocabulary.ts'
import { flow, instantText } from './facts-yaml.ts'

/** One millisecond before, at and after an edge. */
export const SIDES: readonly (readonly [by: number, words: string])[] = [
  [-1, '1 ms before'],
  [0, 'as'],
  [1, '1 ms after'],
]

/** `24h`, `24h less 1 ms`, `24h and 1 ms`. */
export function lengthWords(ms: number): string {
  const said = (value: number): string =>
    value < 0
      ? `minus ${formatDuration(-value as DurationMs)}`
      : formatDuration(value as DurationMs)
  if (ms % 1000 === 0 || Math.abs(ms) < 1000) return said(ms)
  if ((ms + 1) % 1000 === 0) return `${said(ms + 1)} less 1 ms`
  return (ms - 1) % 1000 === 0 ? `${said(ms - 1)} and 1 ms` : said(ms)
}

/** A value of a fact: `subject.followers 999`, `no subject.followers`. */
export function factWords(path: string, value: FactAt): string {
  if (value.kind === 'absent') return `no ${path}`
  if (value.kind === 'ago') return `${path} ${lengthWords(value.ms)} ago`
  const instant = /_at$/.test(path) && typeof value.value === 'number'
  const text = instant ? instantText(value.value as EpochMs) : flow(value.value)
  return `${path} ${text.length > 60 ? `${text.slice(0, 57)}...` : text}`
}

/** `1 strike`, `3 strikes`. */
export function strikeWords(n: number): string {
  return n === 1 ? '1 strike' : n === 0 ? 'no strike' : `${n} strikes`
}
