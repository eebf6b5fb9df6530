/** The gate over the memory store, behind the real HTTP app. */
import { describe } from 'vitest'
import { conformance } from './all.ts'
import { aMemoryHost } from './memory-host.ts'

describe('the memory host', () => {
  conformance(aMemoryHost)
})
