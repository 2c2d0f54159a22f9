import type { Clock, Logger } from "../../runtime/mod.ts";
import { CannotDecrypt } from "./encryption/transformer.ts";
import { applyTo } from "./follow.ts";
import type { HighWater } from "./high-water.ts";
import { SNAPSHOT_FRAMES_IN_FLIGHT, TAIL_STALL_MS, WATCH_HISTORY_REVISIONS } from "./limits.ts";
import type { CuttableLog } from "./log.ts";
import { LogCut, LogShortened, LogUnavailable } from "./log.ts";
import { CorruptBatch, decodeBatch } from "./record.ts";
import { Replica, type ReplicaOptions } from "./replica.ts";
import { checkFrame, decodeFrame, type Frame, SnapshotDamaged } from "./snapshot-frame.ts";
import { loadFrame, SnapshotCheck } from "./snapshot-loading.ts";
import type { Snapshot, SnapshotEntry, Snapshots } from "./snapshots.ts";

export interface RecoveryOptions {
  readonly log: CuttableLog;
  readonly snapshots: Snapshots;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly replica: Omit<ReplicaOptions, "clock" | "log">;
  /** Marks kept elsewhere, such as in the data directory. They must have been read before this is called. */
  readonly marks?: readonly HighWater[];
  /** Give the most that can be read, with what was wrong, instead of rejecting with StoreDamaged. Default false. */
  readonly salvage?: boolean;
}

export interface Recovered {
  readonly replica: Replica;
  /** What was damaged on the way, and could be done without (or not, with `salvage`). */
  readonly damages: readonly string[];
}

/** What was acknowledged cannot be read back whole. The message lists every way that was tried and what it met. */
export class StoreDamaged extends Error {
  override readonly name = "StoreDamaged";
  /** Whether it is certain also where servers may not know everything yet: this is another log. */
  readonly another: boolean;
  constructor(damages: readonly string[], another = false) {
    super(damages.join("; "));
    this.another = another;
  }
}

/** Where a replica can begin: a snapshot, or nothing with the log's first batch. */
type Start = Snapshot | undefined;

/**
 * Reads the store back: a snapshot, and the log from there to its end. Snapshots overlap with the log and with one another, so when one way is
 * damaged there may be another; what was acknowledged (the marks, and the snapshots themselves, say how far that went) must be reached on it, or
 * the store counts as damaged. Rejects with StoreDamaged, CannotDecrypt or LogUnavailable.
 */
export async function recover(options: RecoveryOptions): Promise<Recovered> {
  const { log, snapshots } = options;
  // What is known to be acknowledged is read before the log's end: a writer elsewhere may be at work.
  const kept = await snapshots.highWater();
  const entries = await snapshots.list();
  const { first, last } = await log.bounds();
  // Of a log that was made and never written to there is nothing to lose.
  const marks = [...(options.marks ?? []), ...(kept === undefined ? [] : [kept])].filter(({ revision }) => revision > 0);
  const damages = entries.flatMap(({ summary }) => (summary instanceof SnapshotDamaged ? [summary.message] : []));
  const whole = entries.filter(isWhole);
  const stranger = [...marks, ...whole.map(({ summary }) => summary)].find((known) => known.log !== log.id);
  if (stranger !== undefined) {
    throw new StoreDamaged(
      [
        `the log that was written here (made ${stranger.log}, up to revision ${stranger.revision}) is gone, and another (made ${log.id}) stands in its place`,
      ],
      true,
    );
  }
  const required = [...marks, ...whole.map(({ summary }) => summary)].reduce(later, { log: log.id, sequence: 0, revision: 0 });
  let best: Replica | undefined;
  for (const start of await startsOf(options, whole, first, last)) {
    const replica = new Replica({ ...options.replica, clock: options.clock, log: options.logger });
    const damage = await readBack(options, replica, start, first, last).catch(damageOf);
    if (damage === undefined && replica.sequence >= required.sequence && replica.revision >= required.revision) {
      // What the log itself had beyond `last` was written by somebody meanwhile.
      const { sequence = 0 } = start?.summary ?? {};
      if (last < sequence) damages.push(await goOnAfter(log, last, sequence));
      return { replica, damages };
    }
    damages.push(damage ?? new LogShortened(replica, required).message);
    if (options.salvage === true && replica.revision >= (best?.revision ?? 0)) best = replica;
  }
  if (damages.length === 0) damages.push(`the log begins with batch ${first}, and there is no snapshot of what came before`);
  if (best !== undefined) return { replica: best, damages };
  throw new StoreDamaged(damages);
}

/** Whether a snapshot has a summary that can be read; only `verifySnapshot` knows the rest. */
export function isWhole(entry: SnapshotEntry): entry is Snapshot {
  return !(entry.summary instanceof SnapshotDamaged);
}

function later(a: HighWater, b: HighWater): HighWater {
  return b.sequence > a.sequence || (b.sequence === a.sequence && b.revision > a.revision) ? b : a;
}

/**
 * The ways to try, best first: the newest snapshot before the window of history that the replica is to know, then the others, newest first,
 * then the log alone if nothing of it was ever cut.
 */
async function startsOf(options: RecoveryOptions, whole: readonly Snapshot[], first: number, last: number): Promise<readonly Start[]> {
  const end = await lastRevision(options.log, last);
  const window = options.replica.historyRevisions ?? WATCH_HISTORY_REVISIONS;
  const before = end === undefined ? undefined : whole.findLast(({ summary }) => summary.revision <= end - window);
  const preferred = before ?? whole[0];
  const others = whole.filter((snapshot) => snapshot !== preferred).reverse();
  const starts: Start[] = preferred === undefined ? [] : [preferred, ...others];
  return first === 1 ? [...starts, undefined] : starts;
}

/** Undefined when the last batch cannot be read; what reads the log will say so. */
async function lastRevision(log: CuttableLog, last: number): Promise<number | undefined> {
  const bytes = last === 0 ? undefined : await log.get(last);
  if (bytes === undefined) return undefined;
  try {
    return decodeBatch(last, bytes, () => false).lastRevision;
  } catch (error) {
    if (error instanceof CorruptBatch) return undefined;
    throw error;
  }
}

/** The log has lost its end, but a snapshot has what was in it: makes the log go on after the snapshot. Gives what to tell about it. */
async function goOnAfter(log: CuttableLog, last: number, sequence: number): Promise<string> {
  await log.cutBefore(sequence + 1);
  return `the log ended at sequence ${last}; a snapshot has all through ${sequence}, where the log goes on`;
}

/** Fills the replica; rejects with what was damaged. */
async function readBack(options: RecoveryOptions, replica: Replica, start: Start, first: number, last: number): Promise<undefined> {
  if (start !== undefined) await loadSnapshot(options.snapshots, start, replica);
  if (replica.sequence + 1 < first) throw new LogCut(replica.sequence + 1, first);
  await readTail(options, replica, last);
  return undefined;
}

/** What is damaged, in words; what is not damage is thrown on. */
function damageOf(error: unknown): string {
  if (!(error instanceof Error) || error instanceof LogUnavailable || error instanceof CannotDecrypt) throw error;
  return error.message;
}

async function loadSnapshot(snapshots: Snapshots, snapshot: Snapshot, replica: Replica): Promise<void> {
  const { name, summary } = snapshot;
  replica.requests.reset(summary.requestsSince);
  await eachFrame(snapshots, snapshot, decodeFrame, (frame) => loadFrame(name, frame, replica));
  replica.loaded(summary.sequence, summary.revision);
}

/**
 * Reads all of a snapshot and its checksums, without unpacking it. With a `pace` one frame after another, each followed by that. Rejects with
 * SnapshotDamaged, with LogUnavailable, or with what `pace` does.
 */
export async function verifySnapshot(snapshots: Snapshots, snapshot: Snapshot, pace?: (bytes: number) => Promise<void>): Promise<void> {
  const read = async (name: string, index: number, bytes: Buffer): Promise<Pick<Frame, "kind" | "items">> => {
    await pace?.(bytes.length);
    return checkFrame(name, index, bytes);
  };
  await eachFrame(snapshots, snapshot, read, () => {}, pace === undefined ? SNAPSHOT_FRAMES_IN_FLIGHT : 1);
}

async function eachFrame<Read extends Pick<Frame, "kind" | "items">>(
  snapshots: Snapshots,
  { id, name, summary }: Snapshot,
  read: (name: string, index: number, bytes: Buffer) => Promise<Read>,
  take: (frame: Read) => void,
  inFlight: number = SNAPSHOT_FRAMES_IN_FLIGHT,
): Promise<void> {
  const fetch = async (index: number): Promise<{ readonly bytes: Buffer; readonly frame: Read }> => {
    const bytes = await snapshots.frame(id, index);
    if (bytes === undefined) throw new SnapshotDamaged(name, `frame ${index} of ${summary.frames}`, "it is missing");
    return { bytes, frame: await read(name, index, bytes) };
  };
  const check = new SnapshotCheck();
  const coming: ReturnType<typeof fetch>[] = [];
  for (let index = 0; index < summary.frames; index++) {
    while (coming.length < inFlight && index + coming.length < summary.frames) {
      const next = fetch(index + coming.length);
      // Its failure counts when its turn comes, if it does.
      next.catch(() => {});
      coming.push(next);
    }
    const { bytes, frame } = await (coming.shift() as ReturnType<typeof fetch>);
    check.take(frame, bytes);
    take(frame);
  }
  check.finish(name, summary);
}

/** Applies the log from where the replica is through `last`. Rejects with what is damaged in it, or missing. */
async function readTail({ log, clock }: RecoveryOptions, replica: Replica, last: number): Promise<void> {
  if (replica.sequence >= last) return;
  const reading = log.read(replica.sequence + 1, (sequence, bytes) => applyTo(replica, sequence, bytes));
  const stall = Promise.withResolvers<never>();
  let seen = replica.sequence;
  const look = async (): Promise<void> => {
    // A reader waits for ever for what comes next; the log's word that it is not there ends that.
    if (replica.sequence === seen && (await log.get(seen + 1)) === undefined) stall.reject(new LogCut(seen + 1, last));
    seen = replica.sequence;
    timer = clock.after(TAIL_STALL_MS, () => void look().catch(stall.reject));
  };
  let timer = clock.after(TAIL_STALL_MS, () => void look().catch(stall.reject));
  try {
    await Promise.race([reading.done, replica.untilSequence(last), stall.promise]);
  } finally {
    timer.cancel();
    reading.stop();
  }
}
