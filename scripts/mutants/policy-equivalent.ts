/**
 * Mutants of the policies that no history can show, each with the reason; by policy.
 *
 * Held by tests/mutants: an entry that excuses nothing fails.
 */
type Excuses = readonly (readonly [mutant: RegExp, why: string])[]

/** A window as long as the expiry: what is longer by itself changes nothing. */
const AS_LONG = 'window and expiry are as long as each other'

export const POLICY_EQUIVALENT: Readonly<Record<string, Excuses>> = {
  'policies/default.yaml': [
    [/^strikes\.expire(_|\.)default/, 'nothing that is counted expires by default'],
  ],
  'policies/packs/eu-profile/eu-profile.yaml': [
    [/^strikes\.expire(_default.*001|\.default: never)$/, AS_LONG],
    [/^rules\.misuse\.count\.within: (dropped|.*001)$/, AS_LONG],
  ],
  'policies/packs/meta-ladder-2023/meta-ladder-2023.yaml': [
    [/^strikes\.expire(_default.*001|\.default: never)$/, AS_LONG],
    [/^rules\.(ladder|gravest-rules)\.count\.within: (dropped|.*001)$/, AS_LONG],
  ],
  'policies/packs/one-strike-2019/one-strike-2019.yaml': [
    [/^strikes\.group_within/, 'the second strike opens what the first one does'],
  ],
  'policies/packs/small-community/small-community.yaml': [
    [/^strikes\.expire(_default.*001|\.default: never)$/, AS_LONG],
    [
      /^strikes\.expire\.(violence\.live_harm|terrorism\.\*|child\.\*): dropped$/,
      'they open a restriction for ever, and every window is no longer than the expiry',
    ],
  ],
  'policies/packs/three-strikes/three-strikes.yaml': [
    [/^strikes\.expire(_default.*001|\.default: never)$/, AS_LONG],
    [/^rules\.three-strikes\.count\.within: (dropped|.*001)$/, AS_LONG],
  ],
  'policies/packs/uk-livestream/uk-livestream.yaml': [
    [/^strikes\.expire(_|\.)default/, 'what expires by default has left its window long before'],
  ],
}
