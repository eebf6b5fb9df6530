/**
 * What a person pastes from docs/media/tape.md, with nothing replaced but ports and the way to livegate.
 */
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { NginxConfig } from './nginx.ts'

const PAGE = readFileSync(new URL('../../docs/media/tape.md', import.meta.url), 'utf8')
const MAIN = resolve(import.meta.dirname, '../../src/cli/main.ts')

function block(language: string, number: number): string {
  const found = [...PAGE.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))]
  const text = found[number]?.[1]
  if (text === undefined) throw new Error(`Cannot read tape.md: no ${language} block ${number}`)
  return text
}

function replaced(text: string, from: string, to: string): string {
  if (!text.includes(from)) throw new Error(`Cannot replace ${from}: the page does not have it`)
  return text.replaceAll(from, to)
}

/** The configuration of nginx-rtmp.md with the delayed application of the page; the script lies in `folder`. */
export function withTape(config: NginxConfig, folder: string, port: number): NginxConfig {
  const script = join(folder, 'tape.sh')
  const local = replaced(block('bash', 0), '127.0.0.1:1935', `127.0.0.1:${port}`)
  writeFileSync(script, replaced(local, 'PATH=', `PATH=${folder}:`))
  const livegate = join(folder, 'livegate')
  writeFileSync(livegate, `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`)
  for (const file of [script, livegate]) chmodSync(file, 0o755)
  const inside = replaced(block('nginx', 0), '/etc/nginx/tape.sh', script)
  const end = /^ {8}\}\n/m
  if (!end.test(config.rtmp)) throw new Error('Cannot find the end of application live')
  return {
    ...config,
    rtmp: config.rtmp.replace(end, () => `${inside}        }\n${block('nginx', 1)}`),
  }
}
