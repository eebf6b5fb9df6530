/**
 * Strikes out of rows: fields, checks, and the request that records one.
 *
 * The checks are the gate's own (adapters/http/schemas.ts), so nothing is found only there but what only it can know. Spec: docs/cli.md, "Importing strikes".
 */

import { read, subjectId } from '../../adapters/http/atoms.ts'
import { STRIKE } from '../../adapters/http/schemas.ts'
import { MAX_STRIKE_FUTURE_MS } from '../../core/limits.ts'
import type { Severity, SourceKind, Strike } from '../../core/model.ts'
import { findCategory } from '../../core/policy/categories.ts'
import { type EpochMs, formatInstant } from '../../core/time.ts'
import type { GateRequest } from '../gate-client.ts'
import { type Cells, RowProblem } from './cells.ts'
import { checked } from './checked.ts'
import type { ImportNoun, Item } from './noun.ts'

export interface StrikeItem extends Item {
  readonly strike: Strike
}

const REQUIRED = { required: true }
const OPTIONAL = { required: false }

export const STRIKES: ImportNoun<StrikeItem> = {
  one: 'strike',
  many: 'strikes',
  fields: {
    id: REQUIRED,
    subject: REQUIRED,
    category: REQUIRED,
    severity: REQUIRED,
    issued_at: REQUIRED,
    weight: OPTIONAL,
    notified_at: OPTIONAL,
    content_created_at: OPTIONAL,
    expires_at: OPTIONAL,
    scope: OPTIONAL,
    context: OPTIONAL,
    source_system: OPTIONAL,
    source_kind: OPTIONAL,
    evidence_hash: OPTIONAL,
  },
  read(cells, now) {
    const strike = strikeOf(cells, now)
    const request = strikeRequest(strike)
    return {
      strike,
      request,
      identity: strike.id,
      content: `${strike.subject}\n${JSON.stringify(request.body)}`,
    }
  },
  unknownWord: ({ strike }) =>
    findCategory(strike.category) === undefined ? strike.category : null,
}

function strikeOf(cells: Cells, now: EpochMs): Strike {
  const issued_at = cells.instant('issued_at')
  if (issued_at === undefined) throw new RowProblem('issued_at is empty')
  if (issued_at > now + MAX_STRIKE_FUTURE_MS) throw new RowProblem('issued_at lies in the future')
  const system = cells.text('source_system')
  const strike = {
    id: cells.need('id'),
    subject: cells.need('subject'),
    category: cells.need('category'),
    severity: cells.need('severity') as Severity,
    weight: cells.integer('weight') ?? 1,
    issued_at,
    effective_at: Math.min(issued_at, now) as EpochMs,
    scope: cells.text('scope') ?? 'any',
    ...given('notified_at', cells.instant('notified_at')),
    ...given('content_created_at', cells.instant('content_created_at')),
    ...given('expires_at', cells.instant('expires_at')),
    ...given('context', cells.text('context')),
    ...given('evidence_hash', cells.text('evidence_hash')),
    ...(system === undefined
      ? {}
      : { source: { system, kind: (cells.text('source_kind') ?? 'import') as SourceKind } }),
    status: 'active',
  }
  requireReadable(strike as Strike)
  return strike as Strike
}

/** The gate's own schema, so that nothing is found only there. */
function requireReadable(strike: Strike): void {
  checked('subject', () => read(subjectId, strike.subject, 'read'))
  checked('', () => read(STRIKE, strikeRequest(strike).body, 'read'))
}

/** The request that records a strike; the gate answers 201, or 200 when it has the same already. */
export function strikeRequest(strike: Strike): GateRequest {
  const { subject, effective_at: _, status: __, ...rest } = strike
  const body = {
    ...rest,
    issued_at: formatInstant(strike.issued_at),
    ...wireInstant('notified_at', strike.notified_at),
    ...wireInstant('content_created_at', strike.content_created_at),
    ...wireInstant('expires_at', strike.expires_at),
  }
  return { method: 'POST', path: `/v1/subjects/${encodeURIComponent(subject)}/strikes`, body }
}

function wireInstant(name: string, at: EpochMs | undefined): Readonly<Record<string, string>> {
  return at === undefined ? {} : { [name]: formatInstant(at) }
}

function given<V>(name: string, value: V | undefined): Readonly<Record<string, V>> {
  return value === undefined ? {} : { [name]: value }
}
