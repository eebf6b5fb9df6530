/**
 * A policy in a file: watched, compiled, activated; what decided before goes on when it is broken.
 *
 * The file's bytes decide, not its times: every event, and a slow look besides (network file systems tell nothing),
 * reads and hashes it. A file that is being written is read until two readings agree. What another way of activating put
 * in force since stays until the file changes (policy-activations.ts). Next stop: core/policy/compile.ts.
 */
import { createHash } from 'node:crypto'
import { type FSWatcher, watch } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { LivegateError } from '../../core/errors.ts'
import { MAX_POLICY_BYTES } from '../../core/limits.ts'
import type { Diagnostic } from '../../core/policy/diagnostic.ts'
import type { Plan } from '../../core/policy/plan.ts'
import type { Result } from '../../core/result.ts'
import type { Observe } from '../../ports.ts'

export interface PolicyFileParts {
  readonly path: string
  readonly compile: (
    bytes: Uint8Array,
    file: string,
  ) => Result<{ readonly plan: Plan }, readonly Diagnostic[]>
  /** Activates the text, unless it is what the file said last; durable when resolved. */
  readonly activate: (bytes: Uint8Array, plan: Plan) => Promise<void>
  /** True when something decides already: then a file that cannot be loaded stops nothing, also at the start. */
  readonly decided?: () => boolean
  readonly observe?: Observe
  /** Why a file is not active, other than its own mistakes: it cannot be read, the log cannot take it. */
  readonly onError?: (error: unknown) => void
  /** Time between two readings that must agree, ms; 50. */
  readonly settleMs?: number
  /** Time between two looks without an event, ms; 5,000. */
  readonly lookMs?: number
}

/** For /readyz. */
export interface PolicyFileStatus {
  readonly file: string
  /** What is wrong with the file as it is now; null when it was activated as it is. */
  readonly last_error: readonly Diagnostic[] | null
}

export interface PolicyFile {
  status(): PolicyFileStatus
  /** Looks at the file now; resolves when what is there is active or refused (see `status`), never rejects. */
  reload(): Promise<void>
  stop(): void
}

const SETTLE_MS = 50
const LOOK_MS = 5_000
const MAX_READINGS = 20

/** What a look at the file came to. */
type Look =
  | { readonly is: 'same'; readonly as: Uint8Array }
  | { readonly is: 'active'; readonly bytes: Uint8Array }
  | {
      readonly is: 'refused'
      readonly diagnostics: readonly Diagnostic[]
      readonly bytes: Uint8Array
    }

/**
 * Loads and watches a policy. Rejects when the file cannot be read, compiled or activated and nothing decides without it.
 */
export async function openPolicyFile(parts: PolicyFileParts): Promise<PolicyFile> {
  const file = basename(parts.path)
  let activeBytes: Uint8Array | null = null
  let lastError: readonly Diagnostic[] | null = null
  let refusedBytes: Uint8Array | null = null
  let looking: Promise<void> | null = null
  let again = false

  async function lookOnce(): Promise<void> {
    const found = await look(parts, [activeBytes, refusedBytes])
    if (found.is === 'refused') {
      refusedBytes = found.bytes
      lastError = found.diagnostics
      parts.observe?.({ type: 'policy_rejected', file, problems: found.diagnostics.length })
    } else if (found.is === 'active') {
      activeBytes = found.bytes
    }
    if (found.is === 'active' || (found.is === 'same' && found.as === activeBytes)) {
      refusedBytes = null
      lastError = null
    }
  }

  /** What stands in the way of a look is told once, and stays in the status until a look succeeds. */
  function failed(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error)
    const told = lastError?.[0]?.message === message
    refusedBytes = null
    lastError = [{ code: 'not-loaded', severity: 'error', message, file, line: 1, column: 1 }]
    if (!told) parts.onError?.(error)
  }

  async function lookUntilQuiet(): Promise<void> {
    do {
      again = false
      await lookOnce().catch(failed)
    } while (again)
  }

  function reload(): Promise<void> {
    again = true
    looking ??= lookUntilQuiet().finally(() => {
      looking = null
    })
    return looking
  }

  if (parts.decided?.() === true) await reload()
  else await lookOnce()
  if (refusedBytes !== null && parts.decided?.() !== true)
    throw refusedAtStart(parts.path, lastError ?? [])
  const noticed = (): void => {
    void reload()
  }
  const watcher = watchDirectory(parts, noticed)
  const timer = setInterval(noticed, parts.lookMs ?? LOOK_MS)
  timer.unref()
  return {
    status: () => ({ file, last_error: lastError }),
    reload,
    stop() {
      clearInterval(timer)
      watcher?.close()
    },
  }
}

async function look(parts: PolicyFileParts, known: readonly (Uint8Array | null)[]): Promise<Look> {
  const bytes = await readSettled(parts)
  const same = known.find((one) => one !== null && digestOf(one) === digestOf(bytes))
  if (same !== undefined && same !== null) return { is: 'same', as: same }
  const compiled = parts.compile(bytes, basename(parts.path))
  if (!compiled.ok) return { is: 'refused', diagnostics: compiled.error, bytes }
  const { plan } = compiled.value
  await parts.activate(bytes, plan)
  return { is: 'active', bytes }
}

/** Bytes that two readings agreed on: an editor may be in the middle of writing, or between removing and renaming. */
async function readSettled({ path, settleMs = SETTLE_MS }: PolicyFileParts): Promise<Uint8Array> {
  let last = await read(path)
  for (let reading = 1; reading < MAX_READINGS; reading++) {
    await new Promise<void>((go) => setTimeout(go, settleMs))
    const bytes = await read(path)
    const settled = digestOf(bytes) === digestOf(last)
    if (bytes instanceof Uint8Array && settled) return bytes
    if (bytes instanceof Error && settled && reading > 2) throw bytes
    last = bytes
  }
  throw new LivegateError(
    'internal',
    `Cannot load policy ${basename(path)}: it never stops changing`,
  )
}

async function read(path: string): Promise<Uint8Array | Error> {
  try {
    const bytes = await readFile(path)
    return bytes.length <= MAX_POLICY_BYTES
      ? new Uint8Array(bytes)
      : new LivegateError(
          'internal',
          `Cannot load policy ${basename(path)}: it has ${bytes.length} bytes, expected at most ${MAX_POLICY_BYTES}`,
        )
  } catch (cause) {
    return new LivegateError(
      'internal',
      `Cannot load policy ${basename(path)}: it cannot be read`,
      {
        cause,
        hint: 'Name a policy file that is there, for example policies/default.yaml.',
      },
    )
  }
}

function digestOf(content: Uint8Array | Error): string {
  if (content instanceof Error) return content.message
  return createHash('sha256').update(content).digest('base64url')
}

/** The directory is watched, for a file that is replaced by renaming is a new file; null where nothing can be watched. */
function watchDirectory(parts: PolicyFileParts, noticed: () => void): FSWatcher | null {
  try {
    const watcher = watch(dirname(parts.path), { persistent: false }, noticed)
    watcher.on('error', (error) => {
      watcher.close()
      parts.onError?.(error)
    })
    return watcher
  } catch (error) {
    parts.onError?.(error)
    return null
  }
}

function refusedAtStart(path: string, diagnostics: readonly Diagnostic[]): LivegateError {
  const lines = diagnostics.map((d) => `${d.file}:${d.line}:${d.column} ${d.code}: ${d.message}`)
  const problems = `${diagnostics.length} problem${diagnostics.length === 1 ? '' : 's'}`
  return new LivegateError(
    'internal',
    `Cannot load policy ${basename(path)}: it has ${problems}\n${lines.join('\n')}`,
  )
}
