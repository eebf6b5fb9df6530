/**
 * The bare floor of the edge: what any durable, signed answer of a Worker and one Durable Object per subject costs.
 *
 * The object parses the body, signs as many bytes as a decision record has with WebCrypto's Ed25519 and inserts one row
 * as large as livegate's. No routing, no caller, no policy, no history, no log, no second object. Run by bench/edge.ts.
 */
import { DurableObject } from 'cloudflare:workers'

/** Length of a decision record's signing input; measured on a default-policy allow. */
const SIGNED_BYTES = 801
/** Length of the openings stored beside it; measured on the bench's own question. */
const OPENINGS = 'x'.repeat(1500)
const LEAF = new Uint8Array(32)

interface FloorEnv {
  readonly FLOOR: DurableObjectNamespace<FloorObject>
}

let key: CryptoKey | null = null

async function signingKey(): Promise<CryptoKey> {
  if (key !== null) return key
  const pair = (await crypto.subtle.generateKey('Ed25519', false, ['sign'])) as CryptoKeyPair
  key = pair.privateKey
  return key
}

export class FloorObject extends DurableObject<FloorEnv> {
  readonly #sql: SqlStorage

  constructor(context: DurableObjectState, env: FloorEnv) {
    super(context, env)
    this.#sql = context.storage.sql
    this.#sql.exec(
      'CREATE TABLE IF NOT EXISTS entries (idx INTEGER PRIMARY KEY, leaf BLOB NOT NULL, jws TEXT NOT NULL, openings TEXT NOT NULL) STRICT',
    )
  }

  async decide(body: string): Promise<string> {
    const question = JSON.parse(body) as { readonly subject: string }
    const signed = JSON.stringify({ sub: question.subject, at: Date.now() }).padEnd(
      SIGNED_BYTES,
      '.',
    )
    const bytes = new TextEncoder().encode(signed)
    const signature = new Uint8Array(await crypto.subtle.sign('Ed25519', await signingKey(), bytes))
    const jws = `${signed}.${btoa(String.fromCharCode(...signature))}`
    this.#sql.exec(
      'INSERT INTO entries (leaf, jws, openings) VALUES (?, ?, ?)',
      LEAF,
      jws,
      OPENINGS,
    )
    return JSON.stringify({ outcome: 'allow', record: jws })
  }
}

const worker: ExportedHandler<FloorEnv> = {
  async fetch(request, env) {
    const body = await request.text()
    const { subject } = JSON.parse(body) as { readonly subject: string }
    const answer = await env.FLOOR.get(env.FLOOR.idFromName(subject)).decide(body)
    return new Response(answer, { headers: { 'content-type': 'application/json' } })
  },
}

export default worker
