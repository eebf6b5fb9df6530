/**
 * Which endpoints a deployment has: chosen by the composition root, because what reads the webhooks file is no part of this host.
 */
import type { WebhookEndpoint } from '../../gate/webhooks/port.ts'
import type { Env } from './env.ts'

/** The endpoints of a deployment; none where its webhooks file has faults, which the Worker tells. */
export type WebhooksIn = (env: Env) => Promise<readonly WebhookEndpoint[]>

let chosen: WebhooksIn | null = null

/** Once, when the program is loaded. */
export function useWebhooks(webhooks: WebhooksIn): void {
  chosen = webhooks
}

export const webhooksIn: WebhooksIn = async (env) => (await chosen?.(env)) ?? []
