/**
 * How often a process makes something durable while it works: fsync and fdatasync, counted by the kernel for `perf stat`,
 * which costs the process nothing that would change what it does.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'

const EVENTS = 'syscalls:sys_enter_fsync,syscalls:sys_enter_fdatasync'

/** Null where perf is missing or may not count. */
export async function countSyncs<T>(
  pid: number,
  work: () => Promise<T>,
): Promise<{ readonly syncs: number; readonly result: T } | null> {
  const args = ['stat', '-x', ',', '-e', EVENTS, '-p', String(pid)]
  const perf = spawn('perf', args, { stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  perf.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString('utf8')
  })
  const ended = Promise.race([once(perf, 'exit'), once(perf, 'error')])
  const result = await work()
  perf.kill('SIGINT')
  await ended
  const syncs = syncsOf(said)
  return syncs === null ? null : { syncs, result }
}

/** Sum of perf's lines, `count,unit,event,…`; null when an event was not counted. */
export function syncsOf(lines: string): number | null {
  const counts = [...lines.matchAll(/^([^,]*),[^,]*,syscalls:sys_enter_f(?:data)?sync,/gm)].map(
    ([, count = '']) => (/^\d+$/.test(count) ? Number(count) : 0),
  )
  return counts.length === 2 && counts.some((count) => count > 0)
    ? counts.reduce((sum, count) => sum + count, 0)
    : null
}
