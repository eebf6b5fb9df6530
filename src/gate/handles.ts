/**
 * What a media server's control interface knows a running broadcast by, where that is told only after the decision.
 *
 * No record: it says nothing about what was decided. Without it a cut cannot be carried out there (media keepers).
 */
import { MAX_HANDLE_CHARS } from '../core/limits.ts'
import { hostedIn } from './broadcasts.ts'
import { type Context, change, instantFor } from './context.ts'

/** Remembers `handle`, durably; false when nothing runs under the session. */
export async function setHandle(
  context: Context,
  at_server: { readonly server: string; readonly session: string },
  handle: string,
): Promise<boolean> {
  const { server, session } = at_server
  const found = await context.directory.broadcastOfSession(server, session)
  if (found === null || handle.length > MAX_HANDLE_CHARS) return false
  const { subject, broadcast } = found
  return context.turns.run(subject, async () => {
    const state = await context.ledger.load(subject)
    const open = hostedIn(state, broadcast.id)
    if (open === null) return false
    const effects = { bumps_version: false, opens: { ...open, handle } }
    await change(context, { subject, state, at: instantFor(context, state), effects })
    return true
  })
}
