/**
 * The bucket of docs/hosts/workerd.md behind a real R2 binding of plain workerd: conditions hold, and what was answered
 * survives SIGKILL.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { startWorkerd, type Workerd } from '../../scripts/edge/workerd.ts'
import { workerdConfig } from '../../scripts/edge/workerd-config.ts'

const ROOT = resolve(import.meta.dirname, '../..')
/** Calls one method of the binding as told, and says what came back. */
const PROBE = `
import { DurableObject } from 'cloudflare:workers'
export class SequencerObject extends DurableObject {
  beats = 0
  heartbeat() { this.beats++ }
  counted() { return this.beats }
}
const told = (o) => o && { key: o.key, size: o.size, etag: o.etag, type: o.httpMetadata?.contentType }
export default { async fetch(request, { LOG, SEQUENCERS }) {
  const { method, args } = await request.json()
  if (method === 'beats') return Response.json(await SEQUENCERS.getByName(args[0]).counted())
  try {
    const found = await LOG[method](...args)
    if (method === 'list') return Response.json({ ...found, objects: found.objects.map(told) })
    const text = found && 'body' in found ? await found.text() : undefined
    return Response.json(found ? { ...told(found), text } : null)
  } catch (error) { return Response.json({ failed: String(error) }) }
} }`

describe('the bucket service under plain workerd', () => {
  const dir = mkdtempSync(join(tmpdir(), 'livegate-bucket-'))
  const config = join(dir, 'bucket.capnp')
  const data = join(dir, 'data')
  let workerd: Workerd

  beforeAll(async () => {
    for (const name of ['probe', 'bucket']) mkdirSync(join(dir, name))
    writeFileSync(join(dir, 'probe/probe.js'), PROBE)
    const source = join(ROOT, 'src/adapters/cloudflare/bucket-service.ts')
    writeFileSync(join(dir, 'bucket/b.js'), stripTypeScriptTypes(readFileSync(source, 'utf8')))
    const workers = [
      {
        name: 'probe',
        modules: [{ name: 'probe.js', kind: 'esModule' as const }],
        objects: [{ binding: 'SEQUENCERS', class_name: 'SequencerObject' }],
        bindings: [['LOG', 'r2Bucket = (name = "bucket", entrypoint = "Bucket")'] as const],
      },
      {
        name: 'bucket',
        modules: [{ name: 'b.js', kind: 'esModule' as const }],
        objects: [
          { binding: 'BUCKET', class_name: 'BucketObject' },
          { binding: 'SEQUENCERS', class_name: 'SequencerObject', of: 'probe' },
        ],
        bindings: [
          ['LIVEGATE_SHARDS', 'text = "2"'] as const,
          ['BEAT_EVERY_MS', 'text = "100"'] as const,
        ],
      },
    ]
    const compatibility = { compatibility_date: '2026-11-01', compatibility_flags: [] }
    writeFileSync(config, workerdConfig({ ...compatibility, workers }))
    workerd = await startWorkerd({ config, data })
  })
  afterAll(async () => {
    await workerd.stop()
    rmSync(dir, { recursive: true, force: true })
  })

  async function call(method: string, ...args: readonly unknown[]): Promise<unknown> {
    const body = JSON.stringify({ method, args })
    return (await fetch(workerd.url, { method: 'POST', body })).json()
  }
  const IF_NEW = { onlyIf: { etagDoesNotMatch: '*' } }

  it('a name is written once with if-none-match, and reads back as written', async () => {
    const written = { key: 'a/1', size: 3, type: 'text/plain' }
    const put = ['a/1', 'one', { ...IF_NEW, httpMetadata: { contentType: 'text/plain' } }] as const
    expect(await call('put', ...put)).toMatchObject(written)
    expect(await call('put', 'a/1', 'two', IF_NEW)).toBeNull()
    expect(await call('get', 'a/1')).toMatchObject({ ...written, text: 'one' })
    expect(await call('head', 'a/1')).toMatchObject(written)
  })

  it('with if-match only the last etag writes', async () => {
    const first = (await call('put', 'checkpoint', '1')) as { readonly etag: string }
    const match = (etag: string): object => ({ onlyIf: { etagMatches: etag } })
    const second = (await call('put', 'checkpoint', '2', match(first.etag))) as typeof first
    expect(second.etag).not.toBe(first.etag)
    expect(await call('put', 'checkpoint', '3', match(first.etag))).toBeNull()
    expect(await call('put', 'nowhere', '3', match(first.etag))).toBeNull()
    expect(await call('get', 'checkpoint')).toMatchObject({ text: '2', etag: second.etag })
  })

  it('what is not there is null; what is deleted is not there', async () => {
    expect(await call('get', 'none')).toBeNull()
    expect(await call('head', 'none')).toBeNull()
    await call('put', 'gone', 'x')
    await call('delete', 'gone')
    expect(await call('get', 'gone')).toBeNull()
  })

  it('lists by prefix, in order, in pages', async () => {
    for (const key of ['l/b', 'l/a', 'l/c', 'm/a']) await call('put', key, key)
    const page = { prefix: 'l/', limit: 2 }
    const first = (await call('list', page)) as { readonly cursor: string }
    expect(first).toMatchObject({ truncated: true, objects: [{ key: 'l/a' }, { key: 'l/b' }] })
    const rest = await call('list', { ...page, cursor: first.cursor })
    expect(rest).toMatchObject({ truncated: false, objects: [{ key: 'l/c' }] })
  })

  it('what it cannot do fails, and is never answered as if it were done', async () => {
    const failed = { failed: expect.stringContaining('Error') }
    expect(await call('get', 'a/1', { range: { offset: 1 } })).toMatchObject(failed)
    const dated = { onlyIf: { uploadedBefore: '2020-01-01T00:00:00Z' } }
    expect(await call('put', 'dated', 'x', dated)).not.toMatchObject({ key: 'dated' })
  })

  it('once asked, it rings each log again and again', async () => {
    await call('head', 'a/1')
    for (const log of ['log-0', 'log-1'])
      await vi.waitFor(async () => expect(await call('beats', log)).toBeGreaterThan(2), 5_000)
    expect(await call('beats', 'log-2')).toBe(0)
  })

  it('a megabyte survives SIGKILL right after its answer', async () => {
    const value = 'x'.repeat(1_000_000)
    expect(await call('put', 'large', value)).toMatchObject({ size: value.length })
    await workerd.stop('SIGKILL')
    workerd = await startWorkerd({ config, data })
    expect(await call('get', 'large')).toMatchObject({ text: value })
    expect(await call('get', 'a/1')).toMatchObject({ text: 'one' })
  })
})
