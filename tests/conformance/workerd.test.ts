/** The edge host from outside: the deployed bundle in plain workerd, three logs, and once more after SIGKILL. */
import { afterAll, beforeAll, describe } from 'vitest'
import { conformance } from './all.ts'
import { auditSuite } from './audit-suite.ts'
import { keysSuite } from './keys-suite.ts'
import { aWorkerdHost, type WorkerdHost } from './workerd-host.ts'

describe('the edge host in plain workerd', () => {
  let host: WorkerdHost
  beforeAll(async () => {
    host = await aWorkerdHost()
  })
  afterAll(() => host.stop())

  conformance(async () => host)
  keysSuite(async () => host)

  describe('after SIGKILL', () => {
    auditSuite(async () => {
      await host.killAndStart()
      return host
    })
  })
})
