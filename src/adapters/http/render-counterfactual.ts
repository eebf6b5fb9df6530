/**
 * Counterfactuals on the wire: near misses, unknown facts each way, and the single changes that change the answer.
 *
 * Pure. Instants are RFC 3339, also as values of facts; host 0 is left out; lengths are whole seconds, rounded down
 * where they say how long after a fact something turns. Spec: docs/spec/api.md, "Explanations".
 */
import type {
  Answer,
  Change,
  Counterfactual,
  Near,
  Settle,
} from '../../core/policy/counterfactual/types.ts'
import { FACTS, type FactValue } from '../../core/policy/environment.ts'
import { type EpochMs, formatInstant, isEpochMs } from '../../core/time.ts'
import { renderTimes } from './render.ts'

type Json = Readonly<Record<string, unknown>>

/** Members of the answer to `POST /v1/explanations`. */
export function renderCounterfactual(found: Counterfactual): Json {
  return {
    near: found.near.map(renderNear),
    settles: found.settles.map(renderSettle),
    changes: found.changes.map(({ change, answer }) => ({
      ...renderChange(change),
      ...renderAnswer(answer),
    })),
    incomplete: found.incomplete,
  }
}

function renderNear({ rule, host, away, matches, have, need, edge, change }: Near): Json {
  return {
    rule,
    ...hostOf(host),
    away,
    matches,
    ...(have === null || need === null ? {} : { have, need }),
    ...(edge === null ? {} : { edge: { fact: edge.fact, after_ms: edge.offset_ms } }),
    change: renderChange(change),
  }
}

function renderSettle({ fact, host, strike, rules, ways }: Settle): Json {
  return {
    fact,
    ...hostOf(host),
    ...(strike === null ? {} : { strike }),
    rules,
    ways: ways.map(({ value, answer }) => ({
      value: renderValue(fact, value),
      ...renderAnswer(answer),
    })),
  }
}

function renderChange(change: Change): Json {
  const { kind } = change
  switch (kind) {
    case 'later':
      return { kind, at: formatInstant(change.at) }
    case 'reversed':
      return { kind, ...hostOf(change.host), strike: change.strike }
    case 'struck':
      return { kind, one_more: change.strike }
    case 'fact': {
      const { host, fact, from, to } = change
      const before = from === null ? {} : { from: renderValue(fact, from) }
      return { kind, ...hostOf(host), fact, ...before, to: renderValue(fact, to) }
    }
  }
}

function renderAnswer({ outcome, rules, obligations, ...times }: Answer): Json {
  return {
    outcome,
    ...renderTimes({ ...times, lease_until: null }),
    rules,
    ...(obligations.length === 0 ? {} : { obligations }),
  }
}

function renderValue(path: string, value: FactValue): FactValue {
  const isInstant = FACTS.get(path)?.type === 'timestamp' && isEpochMs(value)
  return isInstant ? formatInstant(value as EpochMs) : value
}

function hostOf(host: number): Json {
  return host === 0 ? {} : { host }
}
