/**
 * Bounds on hostile or merely large input that more than one part has to know, each with its arithmetic. A bound that
 * only one part needs stands there. Changing one changes docs/spec/api.md.
 */

/** Largest request body, bytes: a decision with 16 co-hosts, each with 64 labels of 64 bytes, is under 90 KiB. */
export const MAX_BODY_BYTES: number = 128 * 1024
/** Deepest JSON nesting accepted: the deepest schema (stream.hosts[].facts.labels[]) needs 6. */
export const MAX_JSON_DEPTH = 16
/** Largest hook body, bytes: nginx-rtmp caps name and args at 255; every other field is far below 1 KiB. */
export const MAX_HOOK_BYTES: number = 16 * 1024
/** Characters of a subject id. */
export const MAX_SUBJECT_CHARS = 256
/** Characters of ids a caller chooses (strike, stream). */
export const MAX_ID_CHARS = 128
/** Characters of short words: category, scope, context, audience, labels. */
export const MAX_WORD_CHARS = 64
export const MAX_LABELS = 64
export const MAX_LINKED = 64
/** Co-hosts of one broadcast, the asking subject not counted. */
export const MAX_COHOSTS = 16
/**
 * Questions about broadcasts with co-hosts under way for one subject. Each keeps the standing of 16 co-hosts: with 50
 * strikes of 300 bytes 240 KB, and a body of at most 128 KB. 64 of them are 24 MB of an isolate's 128; at 50 ms each
 * they are 1,280 a second.
 */
export const MAX_WITH_COHOSTS = 64
export const MAX_SUPPORTS = 32
/** Broadcasts of one subject under a lease at once, co-hosted ones included: 256 x 160 bytes keep its row at 40 KB. */
export const MAX_OPEN_BROADCASTS = 256
/**
 * Strikes of one subject. A usual one is about 300 bytes, so 4,096 of them disclose 1.2 MB of facts; the largest that
 * can be sent is 1,212 bytes, 5 MB. A decision that discloses that much is slow, not refused.
 */
export const MAX_STRIKES_PER_SUBJECT = 4096
/**
 * Strikes a decision is found by when one of them is reversed, and decisions listed for one strike: 64 rows of some 40
 * bytes a decision, and what a moderator can still look at. More is neither stored nor told.
 */
export const MAX_RELIED_ON = 64
export const MAX_RELYING = 200
export const MAX_STRIKE_WEIGHT = 1000
/** A strike's `issued_at` may lie this far after its receipt. */
export const MAX_STRIKE_FUTURE_MS = 60_000
/** Characters of an Idempotency-Key, and how long its answer is kept. */
export const MAX_IDEMPOTENCY_KEY_CHARS = 64
export const IDEMPOTENCY_TTL_MS: number = 24 * 3_600_000
/** One policy file, bytes, and its rules. */
export const MAX_POLICY_BYTES: number = 256 * 1024
export const MAX_POLICY_RULES = 1000
export const MAX_POLICY_DEPTH = 32
/**
 * Different earlier forms of one rule a plan keeps (policy/inherit.ts). Each costs up to 3 µs at 50 strikes, and only
 * while a restriction of the rule runs: 16 make 48 µs, two decisions more.
 */
export const MAX_EARLIER_FORMS = 16
/** CEL: list and string literals. */
export const MAX_CEL_LIST = 64
export const MAX_CEL_STRING = 256
/** Calls of `strikes(...)` in one condition: what fewer strikes would leave unknown is tried for each, 2^12 ways. */
export const MAX_CEL_COUNTS = 12
/**
 * What one search for `eligible_at` may cost beside one evaluation, in units of about ten nanoseconds
 * (policy/eligible-work.ts): some 30 ms, in which nobody else is answered.
 */
export const MAX_ELIGIBLE_WORK = 3_000_000
/** One log entry, bytes: 256 of them with their length prefixes fit a 2 MB row (256 x 7,170 = 1,835,520). */
export const MAX_ENTRY_BYTES = 7168
/**
 * Policy text per `policy` record, bytes. It is base64url inside JSON that the JWS encodes again: 3,072 becomes 4,096
 * characters, with at most 900 of other claims 6,662, with header and signature under 6,900. (4,096 would need 7,900.)
 */
export const POLICY_PART_BYTES = 3072
/** Characters of the note of an activation: in UTF-8 and twice base64url below 2.8 KB of an entry. */
export const MAX_NOTE_CHARS = 512
/** Logs that may continue a closed one: as many as one deployment has. 64 origins of 70 characters are 4.7 KB. */
export const MAX_SUCCESSORS = 64
/**
 * Final checkpoint and record keys inside a `predecessor` record: 2,048 characters, 32 keys of 46 and a verifier key of
 * 512 are below 4,100; in base64url, with all other claims, below 7,000.
 */
export const MAX_CHECKPOINT_CHARS = 2048
export const MAX_PREDECESSOR_KEYS = 32
/** Entries and bytes one round integrates at most: 16 bundles; 4,096 x 7,168 = 28 MiB is the worst case. */
export const MAX_ROUND_ENTRIES = 4096
export const MAX_ROUND_BYTES: number = 8 * 1024 * 1024
/**
 * Strikes one erasure record names: 43 characters, quotes and a comma each are 2,944, with everything else below 4,000;
 * in base64url below 5,600 of an entry.
 */
export const MAX_ERASED_STRIKES = 64
/** Stream keys of one subject that are listed; nobody has so many encoders. */
export const MAX_STREAM_KEYS_LISTED = 500
/** Restrictions that outlive an erasure: those of 1,000 rules at once are no longer told apart by anybody. */
export const MAX_SUPPRESSIONS = 64
/** A legal hold ends at most so far ahead; it can be set anew. Ten years. */
export const MAX_LEGAL_HOLD_MS: number = 3_653 * 86_400_000
/**
 * How long what outlived an erasure lies there after its end, when it counts for nothing: a clock that is ahead by less
 * lifts no ban once it is set right. A week: machines are noticed within days.
 */
export const SUPPRESSION_KEPT_MS: number = 7 * 86_400_000
/** How long a finished erasure answers when it is asked for again. */
export const ERASURE_KNOWN_MS: number = 24 * 3_600_000
/**
 * Answers that open records for others than who asked, for one caller and log: each is an entry of some 700 bytes. At 20 a
 * second one caller writes 1.7 million a day, 1.2 GB, a fiftieth of what the decisions it may ask for could write; pages
 * of 250 records still export 10 million in 34 minutes.
 */
export const OPENINGS_PER_S = 20
export const OPENINGS_BURST = 200
/** Longest time between `iat` and a checkpoint that includes the record, seconds; the promise in every record. */
export const MMD_S = 86_400
/** The server gives one decision this long, then answers 503. */
export const DECISION_BUDGET_MS = 2_000
/** An open broadcast whose answer never went out expires after this. */
export const UNCONFIRMED_BROADCAST_MS = 60_000
/** Characters of what a media server's control interface calls a session. */
export const MAX_HANDLE_CHARS = 512
/** A cut is tried at least this long, also where the lease would have ended sooner. */
export const CUT_FOR_MS: number = 5 * 60_000
/** Broadcasts of one subject being cut at once; the oldest gives way: whoever still runs is found by its server's list. */
export const MAX_CUTTING = 64
/** A hold is usable for this long after its end, then starts anew. */
export const HOLD_USABLE_MS = 3_600_000
/** Stored facts older than this count as absent unless configured otherwise. */
export const DEFAULT_FACTS_MAX_AGE_MS: number = 30 * 86_400_000
