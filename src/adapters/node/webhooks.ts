/**
 * Webhooks of a Node process: the file that names endpoints, and the sender while the process runs. Wiring only.
 */
import { LivegateError } from '../../core/errors.ts'
import type { Diagnostic } from '../../core/policy/diagnostic.ts'
import type { Result } from '../../core/result.ts'
import {
  createWebhookDesk,
  type EndpointView,
  standingsOf,
  type WebhookDesk,
} from '../../gate/webhooks/desk.ts'
import { createDispatcher, type Dispatcher } from '../../gate/webhooks/dispatcher.ts'
import type { WebhookEndpoint } from '../../gate/webhooks/port.ts'
import { resultOf } from '../../gate/webhooks/schedule.ts'
import type { Observe } from '../../ports.ts'
import { describeProblem } from '../../scrub.ts'
import { readNamed, type Secrets, secretsBeside } from './config-files.ts'
import { createPublicPost } from './public-post.ts'
import type { NodeStore } from './store.ts'
import { after, createSystemRandom, systemClock } from './system.ts'

const WHAT = {
  noun: 'webhooks file',
  hint: 'Name a file that is there with --webhooks, or leave it out: docs/webhooks.md',
}

/** Parses the file's text; `describe` words a problem. */
export interface WebhooksReader {
  parse(
    bytes: Uint8Array,
    file: string,
    secrets: Secrets,
  ): Promise<Result<readonly WebhookEndpoint[], readonly Diagnostic[]>>
}

/** The endpoints; none without a file. Throws with every problem of the file, one a line, and no secret. */
export async function readWebhooks(
  name: string | null,
  env: Readonly<Record<string, string | undefined>>,
  reader: WebhooksReader,
): Promise<readonly WebhookEndpoint[]> {
  if (name === null) return []
  const parsed = await reader.parse(await readNamed(name, WHAT), name, secretsBeside(name, env))
  if (parsed.ok) return parsed.value
  const problems = parsed.error.map(describeProblem).join('\n')
  throw new LivegateError('internal', `Cannot read the webhooks file\n${problems}`)
}

export interface NodeWebhooks extends Pick<Dispatcher, 'start' | 'stop'> {
  readonly desk: WebhookDesk
  /** Where endpoints stand, for gauges. */
  standings(): readonly EndpointView[]
}

/** Sends, once started, until it is stopped; whatever is committed wakes it. */
export function createNodeWebhooks(parts: {
  readonly store: Pick<NodeStore, 'origin' | 'webhooks' | 'onCommitted'>
  readonly endpoints: readonly WebhookEndpoint[]
  readonly observe: Observe
  readonly onError: (error: unknown) => void
}): NodeWebhooks {
  const { store, endpoints, observe, onError } = parts
  const { origin, webhooks: outbox } = store
  const dispatcher = createDispatcher({
    ...{ origin, outbox, endpoints, onError, after },
    ...{ post: createPublicPost(), clock: systemClock, random: createSystemRandom() },
    onPosted: (endpoint, posted) =>
      observe({ type: 'webhook_posted', endpoint, result: resultOf(posted) }),
  })
  if (endpoints.length > 0) store.onCommitted(dispatcher.wake)
  const desk = createWebhookDesk({ origin, endpoints, outbox, dispatcher, clock: systemClock })
  const standings = (): readonly EndpointView[] => standingsOf(endpoints, outbox)
  return { desk, standings, start: dispatcher.start, stop: dispatcher.stop }
}
