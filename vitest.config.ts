import { defineConfig, type ViteUserConfig } from 'vitest/config'

/** `unit` is the inner loop; `system` drives real processes (nginx, ffmpeg, kill -9) one file at a time. */
const SYSTEM = [
  'tests/e2e/**/*.test.ts',
  'tests/chaos/**/*.test.ts',
  'tests/adapters/media/real-nginx.test.ts',
]

const config: ViteUserConfig = defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['tests/**/*.test.ts'],
          exclude: SYSTEM,
          testTimeout: 20_000,
          hookTimeout: 30_000,
        },
      },
      {
        test: {
          name: 'system',
          include: SYSTEM,
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
})

export default config
