/** A packed reply arrives as the reply it was, and anything else as it is. */
import { describe, expect, it } from 'vitest'
import {
  PACKED_CALLS,
  packed,
  packedEntries,
  unpacked,
  unpackedEntries,
} from '../../../src/adapters/cloudflare/packed.ts'
import type { ChainEntry, Reply } from '../../../src/adapters/cloudflare/rpc.ts'
import { requireChainEntries } from '../../../src/adapters/cloudflare/sequencer-chains.ts'
import { toBase64Url } from '../../../src/core/encoding.ts'
import { epochMs } from '../../../src/core/time.ts'
import { ask } from '../../support/gate.ts'

it('a reply crosses as one text and arrives whole', async () => {
  const replies: readonly Reply<unknown>[] = [
    {
      ok: true,
      value: { outcome: 'allow', reasons: [{ rule: 'a', at: 1 }], title: '\ud800 “é”', none: null },
    },
    {
      ok: false,
      error: { code: 'halted', message: 'no', hint: null, retry_after_s: 1, faults: [] },
    },
  ]
  for (const reply of replies) {
    const text = await packed(Promise.resolve(reply))
    expect(typeof text).toBe('string')
    expect(unpacked(text)).toEqual(reply)
  }
})

it('what was not packed is left alone', () => {
  const reply = { ok: true, value: new Uint8Array(2) }
  expect(unpacked(reply)).toBe(reply)
  expect(unpacked(undefined)).toBeUndefined()
})

describe('a call that is made with every decision', () => {
  const entry: ChainEntry = {
    ...{ object: 'o'.repeat(43), seq: 2, after: null, at: epochMs(1) },
    record: { id: 'r', kind: 'decision', jws: 'a.b.c', leaf: new Uint8Array(32).fill(200) },
    decision: { outcome: 'allow', mode: null, rules: ['\ud800'], strikes: [] },
  }

  it('asks for records with their bytes as they were', () => {
    const sent = PACKED_CALLS.get('append')?.([entry])
    expect(typeof sent).toBe('string')
    expect(unpackedEntries(sent)).toEqual([entry])
    expect(unpackedEntries([entry])).toEqual([entry])
  })

  it('gives bytes that cannot be read no hash they could have', () => {
    const sent = packedEntries([entry]).replace(toBase64Url(entry.record.leaf), '*')
    expect(() => requireChainEntries(unpackedEntries(sent))).toThrow('a leaf of 0 bytes')
  })

  it('asks for a decision with the request as it was', () => {
    const request = ask('u_1', { stream: { id: 'b', hosts: [{ subject: '\udfff' }] } })
    expect(unpacked(PACKED_CALLS.get('decide')?.(request))).toEqual(request)
  })
})
