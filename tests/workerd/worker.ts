/**
 * The Worker the tests in this folder run in: exports every object class of the edge host.
 */
export { DirectoryObject } from '../../src/adapters/cloudflare/directory-object.ts'
export { SequencerObject } from '../../src/adapters/cloudflare/sequencer-object.ts'
export { SubjectObject } from '../../src/adapters/cloudflare/subject-object.ts'

export default {
  fetch: (): Response => new Response('tests call objects, not this', { status: 404 }),
}
