import { cloudflareTest } from '@cloudflare/vitest-plugin'
import { defineConfig, type ViteUserConfig } from 'vitest/config'

/** Real processes (nginx, ffmpeg, kill -9, raw sockets) that time answers or are killed at an instant, one file at a time. */
const SYSTEM = [
  'tests/e2e/**/*.test.ts',
  'tests/chaos/**/*.test.ts',
  'tests/attack/process.test.ts',
  'tests/adapters/media/real-nginx.test.ts',
]

/** Long ones that bound no time and mostly wait, for a host to start, its own pace or a disk: side by side. */
const PATIENT = [
  'tests/e2e/{edge-bucket,edge-keeper,edge-networks,edge-registered,edge-webhooks}.test.ts',
  'tests/e2e/{broadcasts,media-doctor-delay,node-host,tape,tutorial}.test.ts',
  'tests/conformance/{workerd,second-auditor,second-reader}.test.ts',
  'tests/contract/node.test.ts',
  'tests/fuzz/**/*.test.ts',
]

/** Inside workerd, with real Durable Objects and R2: the same, so beside them. */
const WORKERD = ['tests/workerd/**/*.test.ts']

/** Properties over many cases, exhaustive trees, fault tables, real disks: everything that takes a second or more. */
const THOROUGH = [
  'tests/properties/**/*.test.ts',
  'tests/faults/**/*.test.ts',
  'tests/attack/**/*.test.ts',
  'tests/conformance/node.test.ts',
  'tests/adapters/node/**/*.test.ts',
  'tests/cli/{audit,mirror,monitor,process,import,chains,move,policy-watch}.test.ts',
  'tests/core/policy/{hostile,cel-laws}.test.ts',
  'tests/core/policy/cases/**/*.test.ts',
  'tests/core/tlog/{grow,tree}.test.ts',
  'tests/mutants/policies.test.ts',
  'tests/policies/installed.test.ts',
  'tests/bench/scale-pages.test.ts',
  'tests/edge-bundle.test.ts',
]

const config: ViteUserConfig = defineConfig({
  test: {
    projects: [
      {
        // The inner loop: `npm run test:unit`.
        test: {
          name: 'unit',
          maxWorkers: 2,
          // Nothing here keeps state between files, and loading the same modules seventy times is half the time.
          isolate: false,
          include: ['tests/**/*.test.ts'],
          exclude: [...SYSTEM, ...PATIENT, ...THOROUGH, ...WORKERD],
          testTimeout: 20_000,
          hookTimeout: 30_000,
        },
      },
      {
        test: {
          name: 'thorough',
          maxWorkers: 2,
          isolate: false,
          include: THOROUGH,
          exclude: SYSTEM,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'patient',
          include: PATIENT,
          maxWorkers: 5,
          sequence: { groupOrder: 2 },
          testTimeout: 180_000,
          hookTimeout: 120_000,
        },
      },
      {
        plugins: [cloudflareTest({ wrangler: { configPath: './tests/workerd/wrangler.toml' } })],
        test: {
          name: 'workerd',
          include: WORKERD,
          maxWorkers: 5,
          sequence: { groupOrder: 2 },
          // A thousand subjects at once take 11 s alone: only what hangs may fail beside four others on a slow machine.
          testTimeout: 180_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'system',
          include: SYSTEM,
          exclude: PATIENT,
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
          testTimeout: 120_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
})

export default config
