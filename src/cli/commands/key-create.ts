/**
 * `livegate key create`: a new API key. Its secret is printed here and exists nowhere else afterwards.
 */
import type { Command } from 'commander'
import { newApiKey } from '../../adapters/http/api-key.ts'
import { SCOPES, type Scope } from '../../adapters/http/scopes.ts'
import { createSystemRandom } from '../../adapters/node/system.ts'
import { didYouMean } from '../../core/policy/suggest.ts'
import type { Act } from '../act.ts'
import { EXIT, type ExitCode, usage } from '../failure.ts'
import { type DataOptions, dataOption, withApiKeys } from '../keys/store.ts'
import { quote, type Session } from '../session.ts'

interface Options extends DataOptions {
  readonly scopes: readonly Scope[]
  readonly owner: string
  readonly audience?: string
}

export function keyCreate(noun: Command, act: Act): void {
  const command = noun
    .command('create')
    .description('make an API key and show it once')
    .requiredOption('--scopes <list>', `comma-separated, of ${SCOPES.join(', ')}`, scopesOf)
    .requiredOption('--owner <who>', 'person or service it belongs to')
    .option(
      '--audience <name>',
      'origin of the one log whose gate may take it; any gate that knows it unless given',
    )
  dataOption(command).addHelpText('after', EXAMPLE)
  act(command, create)
}

const EXAMPLE = `
Example:
  livegate key create --scopes decide,read --owner streaming-backend > backend.key`

async function create(session: Session, options: Options): Promise<ExitCode> {
  const { scopes, owner, audience = null } = options
  const { now } = session.world
  const { token, key } = newApiKey(
    { scopes, owner, audience },
    { random: createSystemRandom(), clock: { now } },
  )
  await withApiKeys(session, options, (keys) => keys.create(key))
  session.say(`key ${key.id} for ${quote(owner)}: ${scopes.join(', ')}; it is not shown again`)
  session.result(token, { id: key.id, key: token, scopes, owner, audience })
  return EXIT.clean
}

function scopesOf(text: string): readonly Scope[] {
  const words = [...new Set(text.split(',').flatMap((word) => word.trim() || []))]
  if (words.length === 0) throw usage('Cannot use --scopes: it names none')
  return words.map((word) => {
    const scope = SCOPES.find((known) => known === word)
    if (scope === undefined)
      throw usage(
        `Cannot use scope ${quote(word)}: there is no such scope`,
        didYouMean(word, SCOPES),
      )
    return scope
  })
}
