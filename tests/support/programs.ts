/**
 * Programs of the machine that a test needs. Missing ones skip the test with the reason in its name; in CI they fail.
 */
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { describe, it } from 'vitest'

const NGINX_RTMP = [
  '/usr/lib/nginx/modules/ngx_rtmp_module.so',
  '/usr/lib64/nginx/modules/ngx_rtmp_module.so',
]

/** Full path, also from the directories that only root has on its PATH; null when there is none. */
export function programPath(name: string): string | null {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin']
  return (
    folders.map((folder) => join(folder, name)).find((path) => allows(path, constants.X_OK)) ?? null
  )
}

/** The module file; null when it is not installed. */
export function nginxRtmpModule(): string | null {
  return NGINX_RTMP.find((path) => allows(path, constants.R_OK)) ?? null
}

function allows(path: string, mode: number): boolean {
  try {
    accessSync(path, mode)
    return true
  } catch {
    return false
  }
}

/** `describe`, or a block that says what is missing: skipped, and failing where CI=true. */
export function describeWithMedia(name: string, tests: () => void): void {
  const missing = [
    ...['nginx', 'ffmpeg', 'ffprobe', 'timeout'].filter((program) => programPath(program) === null),
    ...(nginxRtmpModule() === null ? ['nginx module ngx_rtmp_module.so'] : []),
  ]
  if (missing.length === 0) {
    describe(name, tests)
    return
  }
  const reason = `${name} (skipped: ${missing.join(', ')} not installed)`
  describe(reason, () => {
    it.skipIf(process.env.CI !== 'true')(
      'needs apt-get install nginx libnginx-mod-rtmp ffmpeg',
      () => {
        throw new Error(
          `Cannot run ${name}: ${missing.join(', ')} missing, expected installed in CI`,
        )
      },
    )
  })
}
