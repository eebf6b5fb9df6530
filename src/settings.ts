/**
 * How the values of settings are read from text: the same on every host, so that one value means one thing.
 *
 * Pure; where values come from and what a host needs is in adapters/node/config.ts and adapters/cloudflare/config.ts.
 */
import { err, ok, type Result } from './core/result.ts'
import { parseRetention } from './core/retention.ts'
import { parseDuration } from './core/time.ts'

/** The value, or what was expected instead. */
export type ReadSetting = (text: string) => Result<unknown, string>

export const anyText: ReadSetting = (value) => (value === '' ? err('expected a text') : ok(value))

export const port: ReadSetting = (value) =>
  /^\d{1,5}$/.test(value) && Number(value) <= 65_535
    ? ok(Number(value))
    : err('expected a port from 0 to 65535')

export const flag: ReadSetting = (value) =>
  value === 'true' || value === '1'
    ? ok(true)
    : value === 'false' || value === '0'
      ? ok(false)
      : err('expected true or false')

export const duration: ReadSetting = (value) => parseDuration(value)

/** `decisions=180d,strikes=730d`. */
export const retention: ReadSetting = (value) => parseRetention(value)

/** Name of a log: host and path. */
export const logName: ReadSetting = (value) =>
  /^[a-z0-9.-]+(:\d+)?(\/[A-Za-z0-9._~-]+)*$/.test(value) && value.length <= 128
    ? ok(value)
    : err('expected a log name such as gate.example/log/main (host and path, no scheme)')

export const url: ReadSetting = (value) =>
  URL.canParse(value) ? ok(value) : err('expected an absolute URL')

export const rate: ReadSetting = (value) =>
  /^[1-9]\d{0,6}$/.test(value)
    ? ok(Number(value))
    : err('expected requests per second, 1 to 9999999')

export const adminKey: ReadSetting = (value) =>
  /^lg_[A-Za-z0-9-]{4,32}_[A-Za-z0-9_-]{32,128}$/.test(value)
    ? ok(value)
    : err('expected lg_<id>_<secret> with a secret of at least 32 characters')

export const logLevel: ReadSetting = (value) =>
  ['silent', 'error', 'warn', 'info'].includes(value)
    ? ok(value)
    : err('expected silent, error, warn or info')
