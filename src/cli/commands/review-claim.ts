/**
 * `livegate review claim`: says that somebody looks at an item.
 */
import type { Command } from 'commander'
import type { Act } from '../act.ts'
import { reviewVerb } from '../review/gate-reviews.ts'

export function reviewClaim(noun: Command, act: Act): void {
  reviewVerb(noun, act, {
    action: 'claim',
    about: 'look at an item: for 15 minutes nobody else can',
    example: 'livegate review claim aR1cX0bq3mZ9vJ8s2LkQwA.0.0',
  })
}
