/**
 * Random numbers that are the same on every run: a small generator from a seed, and the distributions drawn from it.
 */

/** Uniform in [0, 1). */
export type Random = () => number

/** sfc32, seeded by one number: fast, and far from repeating in a simulated day. */
export function randomFrom(seed: number): Random {
  let a = 0x9e3779b9
  let b = seed | 0
  let c = 0x243f6a88
  let counter = 1
  const next = (): number => {
    const sum = (a + b + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = ((c << 21) | (c >>> 11)) + sum
    return (sum >>> 0) / 4_294_967_296
  }
  for (let i = 0; i < 16; i++) next()
  return next
}

/** Exponential with mean 1. */
export function exponential(random: Random): number {
  return -Math.log(1 - random())
}

/** Log-normal by its median and 99th percentile. */
export function logNormal(random: Random, p50: number, p99: number): () => number {
  const sigma = Math.log(p99 / p50) / 2.326347874
  return () => p50 * Math.exp(sigma * normal(random))
}

function normal(random: Random): number {
  return Math.sqrt(2 * exponential(random)) * Math.cos(2 * Math.PI * random())
}
