/**
 * The Worker the tests in this folder run in: the real one, with the settings of wrangler.toml beside it.
 */
export {
  DirectoryObject,
  default,
  KeeperObject,
  SequencerObject,
  SubjectObject,
  WebhooksObject,
} from '../../src/worker.ts'
