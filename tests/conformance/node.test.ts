/** The Node host from outside, as a process. */
import { afterAll, describe } from 'vitest'
import { conformance } from './all.ts'
import { keysSuite } from './keys-suite.ts'
import { aNodeHost, type NodeHost } from './node-host.ts'

describe('the Node host', () => {
  let host: NodeHost | null = null
  afterAll(() => host?.stop())
  const created = async (): Promise<NodeHost> => {
    host ??= await aNodeHost()
    return host
  }
  conformance(created)
  keysSuite(created)
})
