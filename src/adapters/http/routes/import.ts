/**
 * A deployment that moves in, line by line: who brings it asks again until the answer says that it is all here.
 *
 * Lines are checked here one by one; whether they make a whole was checked by whoever read the file, and order and
 * repeats are the importer's. Spec: docs/spec/api.md, "Import".
 */
import { LivegateError } from '../../../core/errors.ts'
import { checkHeader } from '../../../core/move/check.ts'
import type { MoveLine } from '../../../core/move/lines.ts'
import { lineOf } from '../../../core/move/read-lines.ts'
import { invalidMembers, read } from '../atoms.ts'
import { readJson } from '../body.ts'
import type { AppDeps } from '../deps.ts'
import type { Call, Mount } from '../mount.ts'
import { json } from '../reply.ts'
import { IMPORT_BODY } from '../schemas.ts'

/** A single line may be a decision about 4,096 strikes: 5 MB of facts, a third more in base64. */
const MAX_IMPORT_BYTES: number = 16 * 1024 * 1024

/** `PUT /v1/import`. */
export function mountImport(mount: Mount, deps: AppDeps): void {
  mount('PUT /v1/import', (call) => take(call, deps))
}

async function take(call: Call, { importer }: AppDeps): Promise<Response> {
  if (importer === undefined)
    throw new LivegateError(
      'not_found',
      'Cannot import: this host takes nothing in while it runs',
      {
        hint: 'Import into a data directory with `livegate import --data`.',
      },
    )
  const { value } = await readJson(call.c.req.raw, MAX_IMPORT_BYTES)
  const { header: given, from, lines } = read(IMPORT_BODY, value, 'import')
  const header = checkHeader({ header: given })
  if (!header.ok) throw invalidMembers('import', [{ pointer: '/header', detail: header.error }])
  const batch = { header: header.value, from, lines: lines.map(checked) }
  return json(call, await importer.put(batch))
}

function checked(value: object, i: number): MoveLine {
  const line = lineOf(value)
  if (line.ok) return line.value
  throw invalidMembers('import', [{ pointer: `/lines/${i}`, detail: line.error }])
}
