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
import type { ControlAuth } from './control-auth.ts'
import type { MediaKind } from './dialects.ts'
import { livekitControl, withRoomTokens } from './livekit-control.ts'
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
  livekit: livekitControl,
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
  return { driver, access: withTokens(plain, auth, ports.clock) }
}

/** Where a token has to be made or fetched before each call. */
function withTokens(plain: ControlAccess, auth: ControlAuth | null, clock: Clock): ControlAccess {
  if (auth?.scheme === 'login') return withLogin(plain, auth, clock)
  return auth?.scheme === 'livekit' ? withRoomTokens(plain, auth, clock) : plain
}
