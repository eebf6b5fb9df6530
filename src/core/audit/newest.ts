/**
 * How far an audit has read, by what entries say of themselves: the last one, and the latest.
 */
export class Newest {
  /** Index and `iat` of the last entry that could be read; -1 before one. */
  #index = -1
  #iat = -1
  /** The latest `iat` of all, and the first entry that has it. */
  #latest: { readonly index: number; readonly iat: number } | null = null

  see(index: number, iat: number): void {
    this.#index = index
    this.#iat = iat
    if (iat > (this.#latest?.iat ?? -1)) this.#latest = { index, iat }
  }

  last(): { readonly index: number; readonly iat: number } {
    return { index: this.#index, iat: this.#iat }
  }

  latest(): { readonly index: number; readonly iat: number } | null {
    return this.#latest
  }
}
