/** Work on many things, some of them at once. */

/** Works on all until it is over; resolves when nothing is under way, with the results in the order given. */
export async function eachOf<T, R>(
  items: readonly T[],
  { isOver, atOnce }: { readonly isOver: () => boolean; readonly atOnce: number },
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results = new Map<number, R>()
  let failed: { readonly error: unknown } | null = null
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < items.length && failed === null && !isOver()) {
      const at = next++
      try {
        results.set(at, await work(items[at] as T))
      } catch (error) {
        failed ??= { error }
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker))
  if (failed !== null) throw (failed as { readonly error: unknown }).error
  return [...results].sort(([a], [b]) => a - b).map(([, result]) => result)
}
