/**
 * The configuration a person pastes from docs/media/nginx-rtmp.md, with nothing replaced but ports, gate and secret.
 */
import { readFileSync } from 'node:fs'
import type { NginxConfig } from './nginx.ts'

const PAGE = readFileSync(new URL('../../docs/media/nginx-rtmp.md', import.meta.url), 'utf8')

/** The nginx blocks of the page, in order: rtmp, proxy, fail-open location. */
export function pageBlocks(): { rtmp: string; proxy: string; open: string } {
  const [rtmp = '', proxy = '', open = ''] = [...PAGE.matchAll(/^```nginx\n(.*?)^```$/gms)].map(
    (match) => match[1] ?? '',
  )
  return { rtmp, proxy, open }
}

export interface PageOptions {
  readonly rtmp: number
  readonly hook: number
  readonly gate: string
  readonly secret: string
  readonly when_down: 'deny' | 'allow'
  /** Further replacements, each of which must hit: shorter times, for tests that wait for them. */
  readonly replace?: readonly (readonly [from: string, to: string])[]
}

/** The page's configuration for these ports. Throws when the page no longer says what is replaced. */
export function pageConfig(options: PageOptions): NginxConfig {
  const blocks = pageBlocks()
  const closed = /^ {4}# Starts\..*?^ {4}\}\n/ms
  const proxy =
    options.when_down === 'deny' ? blocks.proxy : blocks.proxy.replace(closed, blocks.open)
  let text = `${blocks.rtmp}\n=====\n${proxy}`
  for (const [from, to] of [
    ['listen 1935;', `listen 127.0.0.1:${options.rtmp};`],
    ['127.0.0.1:8081', `127.0.0.1:${options.hook}`],
    ['http://127.0.0.1:8787', options.gate],
    ['PUT-THE-SECRET-HERE', options.secret],
    ...(options.replace ?? []),
  ] as const) {
    if (!text.includes(from)) throw new Error(`Cannot replace ${from}: the page does not have it`)
    text = text.replaceAll(from, to)
  }
  const [rtmp = '', http = ''] = text.split('=====\n')
  return { rtmp, http }
}
