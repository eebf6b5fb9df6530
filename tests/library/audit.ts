// audit.ts: everything an outsider can show of a log, in a browser tab too
import { type AuditEntry, type AuditHead, createAudit, verifyRange } from '../../src/index.ts'

type Entry = Extract<AuditEntry, { readonly bytes: Uint8Array }>

export async function whatHolds(
  origin: string,
  head: AuditHead,
  entries: readonly Entry[],
): Promise<readonly string[]> {
  const audit = createAudit({ origin, trusted: null })
  audit.entries(entries)
  const bytes = entries.map((entry) => entry.bytes)
  audit.signatures(await verifyRange({ first_index: 0, entries: bytes, keys: audit.keys() }))
  const { clean, findings, checked } = audit.finish(head)
  const found = findings.map(({ index, code, message }) => `${index} ${code}: ${message}`)
  return clean ? checked : found
}
