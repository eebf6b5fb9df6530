/** Which of the keys a deployment holds signs records: the one the log goes on with, from one record to the next. */
import { LivegateError } from '../../core/errors.ts'
import type { RecordSigner } from '../../ports.ts'

/** `current`: the kid, asked anew for each record. `sign` throws `log_unavailable` for one that is not held. */
export function signerAmong(held: readonly RecordSigner[], current: () => string): RecordSigner {
  return {
    get kid() {
      return current()
    },
    sign(bytes) {
      const key = held.find(({ kid }) => kid === current())
      if (key !== undefined) return key.sign(bytes)
      throw new LivegateError('log_unavailable', 'Cannot sign: the log goes on with another key', {
        retry_after_s: 5,
      })
    },
  }
}
