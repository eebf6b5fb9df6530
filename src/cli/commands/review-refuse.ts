/**
 * `livegate review refuse`: a person's word: it may not start, and what runs is looked at again.
 */
import type { Command } from 'commander'
import type { Act } from '../act.ts'
import { reviewVerb } from '../review/gate-reviews.ts'

export function reviewRefuse(noun: Command, act: Act): void {
  reviewVerb(noun, act, {
    action: 'refuse',
    about: 'say that this broadcast may not start, or not go on',
    example: 'livegate review refuse aR1cX0bq3mZ9vJ8s2LkQwA.0.0 --reason "copies the attack"',
  })
}
