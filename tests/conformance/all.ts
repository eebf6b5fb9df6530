/** Every suite there is: what "the same gate on every host" means. */
import { accessSuite } from './access-suite.ts'
import { auditSuite } from './audit-suite.ts'
import { broadcastsSuite } from './broadcasts-suite.ts'
import { decisionsSuite } from './decisions-suite.ts'
import { erasureSuite } from './erasure-suite.ts'
import type { Host } from './host.ts'
import { inputSuite } from './input-suite.ts'
import { openingsSuite } from './openings-suite.ts'
import { operatorSuite } from './operator-suite.ts'
import { peopleSuite } from './people-suite.ts'
import { policiesSuite } from './policies-suite.ts'
import { rolloutSuite } from './rollout-suite.ts'
import { shadowSuite } from './shadow-suite.ts'

const SUITES = [
  decisionsSuite,
  broadcastsSuite,
  auditSuite,
  accessSuite,
  erasureSuite,
  inputSuite,
  openingsSuite,
  operatorSuite,
  policiesSuite,
  peopleSuite,
  rolloutSuite,
  shadowSuite,
]

/** Declares every suite over one host, which is created once. */
export function conformance(create: () => Promise<Host>): void {
  let created: Promise<Host> | null = null
  const host = (): Promise<Host> => {
    created ??= create()
    return created
  }
  for (const suite of SUITES) suite(host)
}
