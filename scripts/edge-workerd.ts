/**
 * `npm run edge:workerd -- DIR`: everything plain `workerd serve` needs, written into a directory; prints the command.
 */
import { relative, resolve } from 'node:path'
import { writeSelfHost } from './edge/self-host.ts'

const dir = process.argv[2]
if (dir === undefined) {
  console.error('usage: npm run edge:workerd -- DIRECTORY')
  process.exit(2)
}
const { config } = await writeSelfHost(resolve(dir))
console.log(`workerd serve --directory-path=disk=DATA ${relative('.', config)}`)
