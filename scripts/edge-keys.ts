/**
 * `npm run edge:keys`: new secrets for a deployment, and how to give them to it.
 *
 * Prints them as JSON and nothing else on standard output, so that they can be piped into `wrangler secret bulk` and
 * never touch a disk; what to do with them goes to standard error.
 */
import { newSecrets } from './edge/secrets.ts'

const HOW = `New secrets. Keep a copy where you keep such things: without the pepper no subject is found again, without the two
keys nothing is signed. Make them once for each environment, before its first deployment.

  npm run -s edge:keys > secrets.json                                  # keep it safe
  npx wrangler secret bulk secrets.json --env production               # or, one by one:
  npx wrangler secret put LIVEGATE_PEPPER --env production
`

console.error(HOW)
console.log(JSON.stringify(newSecrets(), null, 2))
