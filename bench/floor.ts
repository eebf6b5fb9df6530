/**
 * The bare floor: what any durable, signed answer over HTTP costs at least.
 *
 * node:http, JSON.parse of the same body, one Ed25519 signature over as many bytes, and the same row (entry, leaf,
 * openings: as many bytes as a default-policy allow) in the same kind of group commit: everything that arrived while the
 * last one ran shares one fsync. No routing, no caller, no policy, no history, no chain, no log, no disclosure is
 * computed. The signature is synchronous, because that is what costs least. Run as a child process by bench/http.ts;
 * prints its port.
 */
import { generateKeyPairSync, sign } from 'node:crypto'
import { createServer, type ServerResponse } from 'node:http'
import { DatabaseSync } from 'node:sqlite'

/** Length of a decision record's signing input; measured on a default-policy allow. */
const SIGNED_BYTES = 801
/** Length of the openings stored beside it; measured on the bench's own question. */
const OPENINGS_CHARS = 1500

const file = process.argv[2]
if (file === undefined) throw new TypeError('usage: floor.ts DATABASE')
const { privateKey } = generateKeyPairSync('ed25519')
const db = new DatabaseSync(file)
db.exec('PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL')
db.exec(
  'CREATE TABLE entries (idx INTEGER PRIMARY KEY, leaf BLOB NOT NULL, jws TEXT NOT NULL, openings TEXT NOT NULL) STRICT',
)
const insert = db.prepare('INSERT INTO entries (leaf, jws, openings) VALUES (?, ?, ?)')
const leaf = new Uint8Array(32)
const openings = 'x'.repeat(OPENINGS_CHARS)

interface Waiting {
  readonly entry: string
  readonly response: ServerResponse
}
let waiting: Waiting[] = []

function commit(): void {
  const batch = waiting
  waiting = []
  db.exec('BEGIN IMMEDIATE')
  for (const { entry } of batch) insert.run(leaf, entry, openings)
  db.exec('COMMIT')
  for (const { entry, response } of batch) {
    const body = JSON.stringify({ outcome: 'allow', record: entry })
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length })
    response.end(body)
  }
}

const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const question = JSON.parse(Buffer.concat(chunks).toString('utf8')) as { subject: string }
    const signed = JSON.stringify({ sub: question.subject, at: Date.now() }).padEnd(
      SIGNED_BYTES,
      '.',
    )
    const signature = sign(null, Buffer.from(signed), privateKey)
    waiting.push({ entry: `${signed}.${signature.toString('base64url')}`, response })
    if (waiting.length === 1) setImmediate(commit)
  })
})
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  if (address !== null && typeof address === 'object')
    console.log(`listening on http://127.0.0.1:${address.port}`)
})
process.on('SIGTERM', () => process.exit(0))
