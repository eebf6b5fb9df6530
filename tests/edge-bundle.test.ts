/**
 * The Worker as a deployment sends it: every environment of wrangler.toml bundles without a warning, and below a megabyte
 * compressed.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { binary, ROOT } from '../scripts/edge/bundle.ts'
import { BUNDLE_LIMIT_BYTES, measureBundle } from '../scripts/edge-bundle.ts'

const TOML = readFileSync(join(ROOT, 'wrangler.toml'), 'utf8')
const OBJECTS = [
  'SubjectObject',
  'SequencerObject',
  'DirectoryObject',
  'WebhooksObject',
  'KeeperObject',
]

describe('the bundled Worker', () => {
  const outdir = mkdtempSync(join(tmpdir(), 'livegate-dry-run-'))
  afterAll(() => rmSync(outdir, { recursive: true, force: true }))

  it('is at most a megabyte compressed', async () => {
    const { bytes, gzip_bytes, modules } = await measureBundle('production')
    console.log(`bundle: ${gzip_bytes} bytes compressed, ${bytes} as it is`)
    expect(gzip_bytes).toBeLessThanOrEqual(BUNDLE_LIMIT_BYTES)
    // Policy, candidate, media servers, webhooks.
    expect(modules.filter(({ kind }) => kind === 'text')).toHaveLength(4)
  })

  for (const environment of ['', 'staging', 'production'])
    it(`wrangler has nothing to remark on ${environment || 'development'}`, () => {
      const args = ['deploy', '--dry-run', '--env', environment, '--outdir', outdir]
      const env = { ...process.env, WRANGLER_SEND_METRICS: 'false', CI: 'true', NO_COLOR: '1' }
      const { status, stdout, stderr } = spawnSync(binary('wrangler'), args, {
        cwd: ROOT,
        env,
        encoding: 'utf8',
      })
      expect(status).toBe(0)
      expect(stderr).not.toMatch(/WARN|ERROR/i)
      expect(stdout).not.toMatch(/WARN|ERROR/i)
      for (const name of OBJECTS) expect(stdout).toContain(`(${name})`)
    })

  it('is never deployed with secrets in its variables', () => {
    const secrets = /^\s*LIVEGATE_(PEPPER|RECORD_KEY|CHECKPOINT_SEED|ADMIN_KEY|API_KEYS)\s*=/m
    expect(TOML).not.toMatch(secrets)
  })

  it('a deployment under a placeholder’s name is refused', () => {
    const args = ['scripts/edge-deploy.ts', '--env', 'production']
    const refused = spawnSync(process.execPath, args, { cwd: ROOT, encoding: 'utf8' })
    expect(TOML).toContain('LIVEGATE_ORIGIN = "gate.example.com/log"')
    expect(refused).toMatchObject({ status: 1, stdout: '' })
    expect(refused.stderr).toContain('Cannot deploy production: its LIVEGATE_ORIGIN is still')
  })
})
