/** The Node host from outside, as a process. */
import { afterAll, describe } from 'vitest'
import { conformance } from './all.ts'
import { aNodeHost, type NodeHost } from './node-host.ts'

describe('the Node host', () => {
  let host: NodeHost | null = null
  afterAll(() => host?.stop())
  conformance(async () => {
    host = await aNodeHost()
    return host
  })
})
