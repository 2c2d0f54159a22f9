/** The largest stored text of one object, in bytes of UTF-8: etcd's request limit, which Kubernetes' users know. */
export const OBJECT_BYTES_MAX = 1_572_864;

/** The largest batch, uncompressed. Well under the max_payload of 8 MiB that our nats-server gets. */
export const APPEND_BATCH_BYTES: number = 4 * 1024 * 1024;

/** The longest key, in bytes: resource, namespace and name of Kubernetes have 253 each at most. */
export const KEY_BYTES_MAX = 1024;

/** The longest request id, in bytes: a UUID with some words before it. */
export const REQUEST_BYTES_MAX = 128;

/** Proposals that may wait at the writer for their batch; one more is refused as `busy`. */
export const PROPOSALS_WAITING_MAX = 100_000;

/** How long a proposal waits at the writer while the log is unavailable. Longer than a restart of nats-server takes. */
export const PROPOSAL_WAIT_MS = 8_000;

/** How long a client tries to have a proposal answered, retries included. Under the 34 s that client-go gives a mutating call. */
export const PROPOSE_DEADLINE_MS = 10_000;

/** How long one attempt of a client may take: a lost message costs this much. */
export const PROPOSE_ATTEMPT_MS = 3_000;

/** Pauses of a client between attempts grow from the first to the second, with jitter. */
export const RETRY_BACKOFF_MS = 10;
export const RETRY_BACKOFF_MAX_MS = 500;

/** Request ids that are remembered at least, so that a retry of an applied transaction is answered as before. At most twice as many are held. */
export const REQUEST_WINDOW_TRANSACTIONS = 65_536;

/** Changes that watches from the past and lists at a revision can reach back, counted in revisions, as etcd's compaction is. */
export const WATCH_HISTORY_REVISIONS = 100_000;

/** By so large a share of these the history may reach further back, so that what is too old is not looked for with every batch. */
export const HISTORY_SLACK: number = 1 / 256;

/** Decoded objects that a replica keeps. About 4 KB each. */
export const DECODED_OBJECTS_MAX = 4_096;

/** How long a batch that the log announces may take to come from the writer of the same host, before it is fetched. */
export const HANDOVER_WAIT_MS = 50;

/** So many announced batches in a row had to be fetched: the writer is elsewhere, and the log is read again. */
export const FETCHED_MAX = 8;

/** So many batches in a row were known before the log brought them: the writer is here. */
export const HANDED_OVER_MIN = 4;

/** How long `until` waits for a revision by default. */
export const UNTIL_DEADLINE_MS = 10_000;

/** Batches smaller than this are not compressed: below it zstd costs every replica more than the bytes do. Measured in bench/store.bench.ts. */
export const COMPRESS_BYTES_MIN: number = 16 * 1024;

/** How long JetStream may take to acknowledge one append before its outcome counts as unknown. */
export const APPEND_TIMEOUT_MS = 2_000;

/** Pauses between attempts to reach the log again grow from the first to the second. */
export const LOG_RETRY_MS = 20;
export const LOG_RETRY_MAX_MS = 500;

/** Records of a snapshot that go into one frame, in bytes before compression: packing that many takes the event loop 1 to 2 ms. */
export const SNAPSHOT_FRAME_BYTES: number = 1024 * 1024;

/**
 * A snapshot is due when this many revisions came since the last one. As many remain in the log when it is cut; not fewer than
 * WATCH_HISTORY_REVISIONS, so that a restart finds them all.
 */
export const SNAPSHOT_EVERY_REVISIONS = 100_000;

/** A snapshot is due earlier when the last one is so old and something was written since. One of 150,000 pods costs 2 s of a processor: 0.7%. */
export const SNAPSHOT_AGE_MAX_MS: number = 5 * 60_000;

/** So soon after a start one is due when the store that was found went beyond the newest: short lives, too, leave a second copy behind. */
export const SNAPSHOT_SETTLE_MS: number = 2 * 60_000;

/** A log of this size is cut although fewer revisions than SNAPSHOT_EVERY_REVISIONS remain, but not behind what is younger than the age. */
export const SNAPSHOT_LOG_BYTES: number = 1024 * 1024 * 1024;
export const SNAPSHOT_AGE_MIN_MS: number = 5 * 60_000;

/** How often it is looked whether a snapshot is due, and the high-water mark is written to JetStream and synced in its file. */
export const SNAPSHOT_LOOK_MS = 1_000;

/** The same after a failure. */
export const SNAPSHOT_RETRY_MS = 10_000;

/** Objects that a snapshot takes note of in one turn of the event loop: about 1 ms. */
export const CAPTURE_CHUNK_OBJECTS = 10_000;

/** Frames of a snapshot that are fetched at a time when it is loaded. */
export const SNAPSHOT_FRAMES_IN_FLIGHT = 8;

/** Nothing of the log's tail came for so long while it was read at the start: look whether what comes next is there at all. */
export const TAIL_STALL_MS = 1_000;

/** What lies on the disk is read again and checked, at most so much and so many batches a second: some hundredths of a core. */
export const SCRUB_BYTES_PER_S: number = 4 * 1024 * 1024;
export const SCRUB_BATCHES_PER_S = 200;

/** From the end of one round of checking to the beginning of the next, and from the start to the first. */
export const SCRUB_EVERY_MS: number = 60 * 60_000;
export const SCRUB_FIRST_MS: number = 10 * 60_000;

/** How long who wants the log to itself waits for the append that is under way. */
export const APPEND_HOLD_WAIT_MS = 2_000;

/** Places of damage that are remembered by name; more are counted. */
export const DAMAGES_NAMED_MAX = 100;

/** A log that seems to be gone, another, or shorter than it was, for so long is; before, a server may only not have found its feet. */
export const LOG_LOST_MS = 1_000;
/** The same in a NATS cluster, where a server that stood still says what it last knew until it hears of its successor. */
export const LOG_LOST_REPLICATED_MS = 15_000;
