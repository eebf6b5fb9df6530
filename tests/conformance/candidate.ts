/** The candidate every host of the suites has in its shadow: it would let nobody start, and decides nothing. */
export const CANDIDATE = `livegate: policy/v1
name: shut
rules: [{ id: shut, when: 'true', outcome: deny }]
`
