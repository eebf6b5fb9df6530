/**
 * How a server's control interface is reached: the driver of its kind, over an access with its credential.
 *
 * A kind without a driver is cut by its polls or its lease alone.
 */
import type { Clock } from '../../ports.ts'
import {
  type ControlAccess,
  type ControlDriver,
  type ControlOptions,
  createControlAccess,
} from './control.ts'
import type { MediaKind } from './dialects.ts'
import { mediamtxControl } from './mediamtx-control.ts'
import { mediamtxJwtControl } from './mediamtx-jwt-control.ts'
import { nginxRtmpControl } from './nginx-rtmp-control.ts'
import { nmsControl, withLogin } from './nms-control.ts'
import { omeControl } from './ome-control.ts'
import type { MediaServer } from './servers-file.ts'
import { srsControl } from './srs-control.ts'
import { whipControl } from './whip/control.ts'

/** By kind; null = none is known. */
export const DRIVERS: Readonly<Record<MediaKind, ControlDriver | null>> = {
  'nginx-rtmp': nginxRtmpControl,
  srs: srsControl,
  mediamtx: mediamtxControl,
  'mediamtx-jwt': mediamtxJwtControl,
  ovenmediaengine: omeControl,
  'node-media-server': nmsControl,
  generic: null,
  whip: whipControl,
}

export interface Control {
  readonly driver: ControlDriver
  readonly access: ControlAccess
}

export interface ControlPorts extends Pick<ControlOptions, 'fetch' | 'after'> {
  readonly clock: Clock
}

/** Null where the server has no control interface, or its kind none that is known. */
export function controlOf(ports: ControlPorts, server: MediaServer): Control | null {
  const { control, control_auth: auth } = server
  const driver = DRIVERS[server.kind]
  if (control === null || driver === null) return null
  const { fetch, after } = ports
  const plain = createControlAccess({
    ...{ fetch, after, base: driver.baseOf?.(control) ?? control },
    authorization: auth === null ? null : () => auth.header(),
  })
  const access = auth?.scheme === 'login' ? withLogin(plain, auth, ports.clock) : plain
  return { driver, access }
}
