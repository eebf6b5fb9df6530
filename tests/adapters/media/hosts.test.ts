/** Which hosts may be registered: one spelling each, nothing in disguise, nothing special unless it is meant. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type HostRule,
  hostInUrl,
  isAdmitted,
  readHost,
  readHostRule,
} from '../../../src/adapters/media/hosts.ts'

function rules(...texts: readonly string[]): readonly HostRule[] {
  return texts.map((text) => {
    const rule = readHostRule(text)
    if (!rule.ok) throw new Error(`${text}: ${rule.error}`)
    return rule.value
  })
}

function admits(text: string, ...of: readonly string[]): boolean {
  const host = readHost(text)
  return host.ok && isAdmitted(host.value, rules(...of))
}

const WIDE = ['0.0.0.0/0', '::/0'] as const

describe('a host', () => {
  const fine: readonly (readonly [sent: string, read: string])[] = [
    ['10.0.3.7', '10.0.3.7'],
    ['0.0.0.0', '0.0.0.0'],
    ['fd00::7', 'fd00::7'],
    ['FD00:0:0:0:0:0:0:7', 'fd00::7'],
    ['origin-7.example.org', 'origin-7.example.org'],
    ['Origin-7.EXAMPLE.org', 'origin-7.example.org'],
    ['xn--bcher-kva.example', 'xn--bcher-kva.example'],
    [`${'a'.repeat(63)}.example.org`, `${'a'.repeat(63)}.example.org`],
  ]
  for (const [sent, read] of fine)
    it(`${sent} is read as ${read}`, () => {
      const host = readHost(sent)
      expect(host.ok && host.value.text).toBe(read)
    })

  const refused = [
    '',
    ' ',
    '10.0.3.7:8080',
    'user@10.0.3.7',
    '10.0.3.7/control',
    '10.0.3.7?x',
    '10.0.3.7#x',
    '10.0.3.7 ',
    '10.0.3.7.',
    '10.0.3',
    '10.0.3.256',
    '010.0.3.7',
    '0x0a.0.3.7',
    '167772935',
    '0x7f000001',
    '127.1',
    'a.0x7f',
    'a.1',
    '[fd00::7]',
    'fd00::7%eth0',
    'fd00:::7',
    'fd00::7/64',
    '::ffff:10.0.3.7',
    '::ffff:a00:307',
    '[::ffff:a00:307]',
    '64:ff9b::a00:307',
    '2002:a00:307::',
    '2001::a00:307',
    '{host}',
    '{name}.example.org',
    'bücher.example',
    '１0.0.3.7',
    'origin',
    'localhost',
    '-a.example.org',
    'a-.example.org',
    'a..example.org',
    '.example.org',
    'example.org.',
    'a_b.example.org',
    'a.example.org:80',
    'a\u0000.example.org',
    `${'a'.repeat(64)}.example.org`,
    `${'a.'.repeat(127)}org`,
    '*.example.org',
    'http://10.0.3.7',
  ]
  for (const text of refused)
    it(`${JSON.stringify(text.slice(0, 40))} is none`, () => expect(readHost(text).ok).toBe(false))

  it('an IPv4 address in the clothes of IPv6 is told to be written as it is', () => {
    for (const text of ['::ffff:10.0.3.7', '[::ffff:a00:307]', '64:ff9b::a00:307'])
      expect(readHost(text)).toEqual({ ok: false, error: 'the IPv4 address as such' })
  })

  it('whatever is read stands in a URL as the whole host, spelled the same way', () => {
    const near = fc.stringMatching(/^[0-9a-fx:.[\]{}@/?#%-]{1,24}$/)
    fc.assert(
      fc.property(fc.oneof(near, fc.ipV4(), fc.ipV6(), fc.domain(), fc.string()), (text) => {
        const host = readHost(text)
        if (!host.ok) return
        const url = new URL(`http://${hostInUrl(host.value.text)}:8080/control`)
        expect(url.hostname).toBe(hostInUrl(host.value.text))
        expect([url.username, url.port, url.pathname]).toEqual(['', '8080', '/control'])
        expect(readHost(host.value.text)).toEqual(host)
      }),
      { numRuns: 2_000 },
    )
  })
})

describe('a rule', () => {
  const refused = [
    '10.0.3.0',
    '10.0.3.7/24',
    '10.0.3.0/33',
    '10.0.3.0/024',
    '10.0.3.0/',
    '/24',
    'fd00::7/64',
    'fd00::/129',
    '::ffff:10.0.0.0/104',
    '64:ff9b::/96',
    'example.org',
    '*',
    '*.',
    '*.*.example.org',
    '*example.org',
    'a.*.example.org',
    '*.Example.org',
    '*.example.org.',
    '*.1',
    '*.bücher.example',
    '10.0.3.0/24 ',
  ]
  for (const text of refused) it(`${text} is none`, () => expect(readHostRule(text).ok).toBe(false))

  it('says where a range that has a host in it begins', () => {
    const of = (text: string) => {
      const rule = readHostRule(text)
      return rule.ok ? '' : rule.error
    }
    expect(of('10.0.3.7/22')).toContain('10.0.0.0/22')
    expect(of('fd00:0:0:9::7/62')).toContain('fd00:0:0:8::/62')
  })

  const cases: readonly (readonly [host: string, rule: string, admitted: boolean])[] = [
    ['10.0.3.0', '10.0.3.0/24', true],
    ['10.0.3.255', '10.0.3.0/24', true],
    ['10.0.4.0', '10.0.3.0/24', false],
    ['10.0.2.255', '10.0.3.0/24', false],
    ['10.0.3.8', '10.0.3.7/32', false],
    ['10.0.3.130', '10.0.3.128/25', true],
    ['10.0.3.127', '10.0.3.128/25', false],
    ['fd00::1', 'fd00::/64', true],
    ['fd00:0:0:1::1', 'fd00::/64', false],
    ['10.0.3.7', '::/0', false],
    ['fd00::1', '0.0.0.0/0', false],
    ['a.example.org', '*.example.org', true],
    ['b.a.example.org', '*.example.org', false],
    ['example.org', '*.example.org', false],
    ['a.example.org.evil.test', '*.example.org', false],
    ['evilexample.org', '*.example.org', false],
    ['a.example.org', '0.0.0.0/0', false],
    ['10.0.3.7', '*.example.org', false],
  ]
  for (const [host, rule, admitted] of cases)
    it(`${rule} ${admitted ? 'admits' : 'does not admit'} ${host}`, () =>
      expect(admits(host, rule)).toBe(admitted))

  const special = [
    '0.0.0.0',
    '127.0.0.1',
    '127.255.255.254',
    '169.254.169.254',
    '168.63.129.16',
    '100.100.100.200',
    '224.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::7f00:1',
    'fe80::1',
    'ff02::1',
    'fd00:ec2::254',
  ]
  for (const host of special)
    it(`a wide range does not mean ${host}, one that names it alone does`, () => {
      expect(admits(host, ...WIDE)).toBe(false)
      expect(admits(host, `${host}/${host.includes(':') ? 128 : 32}`)).toBe(true)
    })

  it('a wide range means ordinary addresses', () => {
    for (const host of ['10.0.3.7', '192.168.1.1', '203.0.113.9', 'fd00::1', '2a00::1'])
      expect(admits(host, ...WIDE)).toBe(true)
  })
})
