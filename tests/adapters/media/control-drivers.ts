/** The drivers by kind, without the servers they are made for. */
import type { ControlDriver } from '../../../src/adapters/media/control.ts'
import { mediamtxControl } from '../../../src/adapters/media/mediamtx-control.ts'
import { nmsControl } from '../../../src/adapters/media/nms-control.ts'
import { omeControl } from '../../../src/adapters/media/ome-control.ts'
import { srsControl } from '../../../src/adapters/media/srs-control.ts'

export const CONTROL_DRIVERS: readonly ControlDriver[] = [
  srsControl,
  mediamtxControl,
  nmsControl,
  omeControl,
]

export function controlDriver(kind: string): ControlDriver {
  const driver = CONTROL_DRIVERS.find((one) => one.kind === kind)
  if (driver === undefined) throw new Error(`no driver of ${kind}`)
  return driver
}
