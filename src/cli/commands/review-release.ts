/**
 * `livegate review release`: a person's word: the rule asks no longer.
 */
import type { Command } from 'commander'
import type { Act } from '../act.ts'
import { reviewVerb } from '../review/gate-reviews.ts'

export function reviewRelease(noun: Command, act: Act): void {
  reviewVerb(noun, act, {
    action: 'release',
    about: 'say that the rule need not hold this broadcast any longer',
    example: 'livegate review release aR1cX0bq3mZ9vJ8s2LkQwA.0.0 --decided-by anna',
  })
}
