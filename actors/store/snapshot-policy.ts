import { SNAPSHOT_AGE_MAX_MS, SNAPSHOT_AGE_MIN_MS, SNAPSHOT_EVERY_REVISIONS, SNAPSHOT_LOG_BYTES } from "./limits.ts";

/** What came since the newest snapshot. */
export interface SinceLast {
  readonly revisions: number;
  readonly age_ms: number;
}

/**
 * Whether a snapshot is to be taken. By number, so that a start never replays much; by age, so that what was acknowledged a while ago is in two
 * places, the log and a snapshot, also in a cluster that writes little.
 */
export function isDue({ revisions, age_ms }: SinceLast, everyRevisions: number = SNAPSHOT_EVERY_REVISIONS): boolean {
  return revisions >= everyRevisions || (revisions > 0 && age_ms >= SNAPSHOT_AGE_MAX_MS);
}

/** A whole snapshot, as what is to become of it is decided by. */
export interface Kept {
  readonly revision: number;
  readonly age_ms: number;
}

export interface Retention {
  /** Indexes of those that stay, oldest first. */
  readonly keep: readonly number[];
  /** Index of the one that the log is cut behind; undefined: nothing of it may go yet. */
  readonly cutBehind: number | undefined;
}

/**
 * What to keep of these snapshots, oldest first, the last of them just taken, and where to cut the log. Of the log stays everything since the
 * snapshot that it is cut behind, which is never the newest: so all that was acknowledged is in two places, but for what came after the newest.
 * Between the two as few stay as will do for the log to be cut again before it holds two windows: a snapshot every few minutes does not
 * mean that the past which watches can reach shrinks to minutes.
 */
export function retentionOf(
  snapshots: readonly Kept[],
  now: { readonly revision: number; readonly logBytes: number },
  everyRevisions: number = SNAPSHOT_EVERY_REVISIONS,
): Retention {
  const large = now.logBytes >= SNAPSHOT_LOG_BYTES;
  const mayCut = ({ revision, age_ms }: Kept): boolean =>
    now.revision - revision >= everyRevisions || (large && age_ms >= SNAPSHOT_AGE_MIN_MS);
  const newest = snapshots.length - 1;
  const found = snapshots.slice(0, -1).findLastIndex(mayCut);
  const cutBehind = found < 0 ? undefined : found;
  const keep: number[] = [];
  for (let index = cutBehind ?? 0; index <= newest; index++) {
    const last = snapshots[keep.at(-1) ?? -1];
    const next = snapshots[index + 1];
    if (last === undefined || next === undefined || next.revision - last.revision > everyRevisions) keep.push(index);
  }
  return { keep, cutBehind };
}
