/**
 * The registry of kinds: how each asks (dialect) and how its streams are listed and ended (driver).
 *
 * A kind is added here and nowhere else; the servers file, the hooks and the table of docs/media/README.md follow it.
 */
import type { MediaDialect } from './dialect.ts'
import { generic } from './generic.ts'
import { livekit } from './livekit.ts'
import { mediamtx } from './mediamtx.ts'
import { mediamtxJwt } from './mediamtx-jwt.ts'
import { nginxRtmp } from './nginx-rtmp.ts'
import { nodeMediaServer } from './nms.ts'
import { ome } from './ome.ts'
import { srs } from './srs.ts'
import { whip } from './whip/dialect.ts'

/** `kind` of the servers file and second segment of the hook address. */
export type MediaKind =
  | 'nginx-rtmp'
  | 'srs'
  | 'mediamtx'
  | 'mediamtx-jwt'
  | 'ovenmediaengine'
  | 'node-media-server'
  | 'generic'
  | 'livekit'
  | 'whip'

const DIALECTS: Readonly<Record<MediaKind, MediaDialect>> = {
  'nginx-rtmp': nginxRtmp,
  srs,
  mediamtx,
  'mediamtx-jwt': mediamtxJwt,
  ovenmediaengine: ome,
  'node-media-server': nodeMediaServer,
  generic,
  livekit,
  whip,
}

export const MEDIA_KINDS: readonly MediaKind[] = Object.keys(DIALECTS) as MediaKind[]

export function dialectFor(kind: MediaKind): MediaDialect {
  return DIALECTS[kind]
}

/** Null for a kind nobody knows. */
export function dialectOf(kind: string): MediaDialect | null {
  return Object.hasOwn(DIALECTS, kind) ? dialectFor(kind as MediaKind) : null
}
