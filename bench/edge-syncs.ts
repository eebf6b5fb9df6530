/**
 * How often a process makes something durable while it works: fsync and fdatasync, counted by strace from outside.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'

/** Null when strace is not installed. The process is slower while it is watched: count, do not time. */
export async function countSyncs<T>(
  pid: number,
  work: () => Promise<T>,
): Promise<{ readonly syncs: number; readonly result: T } | null> {
  const args = ['-f', '-c', '-e', 'trace=fsync,fdatasync', '-p', String(pid)]
  const strace = spawn('strace', args, { stdio: ['ignore', 'ignore', 'pipe'] })
  const missing = await Promise.race([
    once(strace, 'error').then(() => true),
    once(strace.stderr, 'data').then(() => false),
  ])
  if (missing) return null
  let table = ''
  strace.stderr.on('data', (chunk: Buffer) => {
    table += chunk.toString('utf8')
  })
  const ended = once(strace, 'exit')
  const result = await work()
  strace.kill('SIGINT')
  await ended
  return { syncs: syncsOf(table), result }
}

/** Calls in strace's table: percent, seconds, microseconds a call, calls, (errors,) name. */
export function syncsOf(table: string): number {
  return [...table.matchAll(/^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)(?:\s+\d+)?\s+f(?:data)?sync$/gm)]
    .map(([, calls]) => Number(calls))
    .reduce((sum, calls) => sum + calls, 0)
}
