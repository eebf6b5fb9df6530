/**
 * What starting costs an isolate: processor time of a fresh workerd up to its first answer, less that of the bare floor,
 * is evaluating the modules, compiling the policy and making the app. Read from /proc: Linux only.
 */
import { readFileSync } from 'node:fs'
import type { Workerd } from '../scripts/edge/workerd.ts'

const TIMES = 7
/** Clock ticks are a hundredth of a second on every Linux this runs on. */
const MS_PER_TICK = 10

/** Processor milliseconds until the first answer of `path`: the least of some starts, because neighbours only add. */
export async function startCpuMs(start: () => Promise<Workerd>, path: string): Promise<number> {
  const taken: number[] = []
  for (let i = 0; i < TIMES; i++) {
    const workerd = await start()
    await (await fetch(`${workerd.url}${path}`)).text()
    taken.push(cpuMs(workerd.pid))
    await workerd.stop()
  }
  return Math.min(...taken)
}

/** User and system time of a process so far. */
export function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK
}
