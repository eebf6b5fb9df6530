/**
 * `npm run edge:keys`: new secrets for a deployment, and how to give them to it; with `-- --next record` or
 * `-- --next checkpoint` the key that takes over from one in use.
 *
 * Prints them as JSON and nothing else on standard output, so that they can be piped into `wrangler secret bulk` and
 * never touch a disk; what to do with them goes to standard error.
 */
import { newSecrets, nextSecret } from './edge/secrets.ts'

const HOW = `New secrets. Keep a copy where you keep such things: without the pepper no subject is found again, without the two
keys nothing is signed. Make them once for each environment, before its first deployment.

  npm run -s edge:keys > secrets.json                                  # keep it safe
  npx wrangler secret bulk secrets.json --env production               # or, one by one:
  npx wrangler secret put LIVEGATE_PEPPER --env production
`

const NEXT = `The key that takes over. Keep a copy, set it beside the one in use, then ask the gate to go on with it:

  npx wrangler secret bulk next.json --env production
  npx livegate key rotate --use`

const [option, use = ''] = process.argv.slice(2)
const next = option === '--next' ? nextSecret(use) : null
if (option !== undefined && next === null) {
  console.error('error: Cannot make keys: expected nothing, --next record or --next checkpoint')
  process.exit(2)
}
console.error(next === null ? HOW : `${NEXT} ${use}\n`)
console.log(JSON.stringify(next ?? newSecrets(), null, 2))
