/**
 * What the configuration says to the HTTP API and to the gate.
 */
import { createRemoteJWKSet } from 'jose'
import type { Clock, Surroundings } from '../../ports.ts'
import type { ServerConfig } from './config.ts'
import type { NodeIncidents } from './incidents.ts'

/** What of the API is configured; everything else has its default. */
export interface HttpSettings {
  readonly audience: string
  readonly log_public: boolean
  readonly metrics_public: boolean
  readonly rate: { readonly per_s: number; readonly burst: number }
}

/** API keys may name the log's origin as their audience. */
export function httpSettingsOf(config: ServerConfig): HttpSettings {
  return {
    audience: config.origin,
    log_public: config.log_public,
    metrics_public: config.metrics_public,
    rate: { per_s: config.rate_per_s, burst: 2 * config.rate_per_s },
  }
}

/** Empty: no access token is accepted. */
export interface AccessTokenSettings {
  readonly accessTokens?: {
    readonly issuer: string
    readonly audience: string
    readonly keys: ReturnType<typeof createRemoteJWKSet>
  }
}

/** Access tokens of the configured issuer; its keys are fetched when the first token comes. */
export function accessTokensOf(config: ServerConfig): AccessTokenSettings {
  const { jwt_issuer: issuer, jwt_audience: audience, jwt_jwks: jwks } = config
  if (issuer === null || audience === null || jwks === null) return {}
  return { accessTokens: { issuer, audience, keys: createRemoteJWKSet(new URL(jwks)) } }
}

/** Incident mode, and facts about the platform; what is not configured is unknown. */
export function surroundingsOf(
  { moderation_available }: ServerConfig,
  incidents: Pick<NodeIncidents, 'facts'>,
  clock: Clock,
): Surroundings {
  const platform = moderation_available === null ? {} : { moderation_available }
  return { incident: (at = clock.now()) => incidents.facts(at), platform: () => platform }
}
