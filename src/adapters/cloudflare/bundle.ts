/**
 * What is bundled into the Worker beside its code: the policy that decides, a candidate that does not, the media servers
 * that may ask, and who is told what happens.
 *
 * All are text modules (`rules` in wrangler.toml), so a new revision is a deployment: rolled out, and rolled back, by
 * the platform. Compiled once an isolate; one that does not compile makes the deployment answer 503, never an older or
 * milder policy. Next: edge-policy.ts.
 */
import servers from '../../../deploy/servers.yaml'
import shadow from '../../../deploy/shadow.yaml'
import webhooks from '../../../deploy/webhooks.yaml'
import policy from '../../../policies/default.yaml'

/** A file's text with the name its messages give it. */
export interface BundledFile {
  readonly name: string
  readonly text: string
}

export const BUNDLED_POLICY: BundledFile = { name: 'policies/default.yaml', text: policy }
export const BUNDLED_SERVERS: BundledFile = { name: 'deploy/servers.yaml', text: servers }
export const BUNDLED_SHADOW: BundledFile = { name: 'deploy/shadow.yaml', text: shadow }
export const BUNDLED_WEBHOOKS: BundledFile = { name: 'deploy/webhooks.yaml', text: webhooks }
