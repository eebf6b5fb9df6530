/** What is in the file of a moving deployment, in one line. */
import type { MoveCounts } from '../../core/move/lines.ts'
import { plural } from '../session.ts'

export function countsText(counts: MoveCounts): string {
  const { subjects, strikes, records, stream_keys, api_keys, policies, activations = 0 } = counts
  const { suppressions = 0, legal_holds = 0 } = counts
  return [
    plural(subjects, 'subject'),
    plural(strikes, 'strike'),
    plural(records, 'record'),
    plural(stream_keys, 'stream key'),
    plural(api_keys, 'API key'),
    plural(policies, 'policy', 'policies'),
    plural(activations, 'activation'),
    ...(suppressions === 0 ? [] : [plural(suppressions, 'kept restriction')]),
    ...(legal_holds === 0 ? [] : [plural(legal_holds, 'legal hold')]),
  ].join(', ')
}
