import type { Measure } from "../../runtime/mod.ts";
import { DAMAGES_NAMED_MAX } from "./limits.ts";
import type { LogBounds } from "./log.ts";

const MS_PER_S = 1_000;

/** What the actors of the store have found out about how it lies on its disks, for whoever asks: metrics, a test. */
export class StoreCondition {
  /** Places that cannot be read back, by name. */
  readonly damages: Set<string> = new Set();
  /** Whether the high-water mark was written to JetStream. */
  marked = false;
  /** Rounds of checking that went through everything. */
  rounds = 0;
  checkedBytes = 0;
  #appends = 0;
  #appends_ms = 0;
  #damagesCounted = 0;
  #lost: string | undefined;
  #bounds: LogBounds | undefined;
  #snapshots = 0;
  #snapshotRevision: number | undefined;

  /** Takes note of a place; gives whether it is new, and worth a line: beyond DAMAGES_NAMED_MAX places are only counted. */
  damage(place: string): boolean {
    if (this.damages.has(place)) return false;
    this.#damagesCounted++;
    if (this.damages.size >= DAMAGES_NAMED_MAX) return false;
    this.damages.add(place);
    return true;
  }

  /** The log is not what it was, for this reason; undefined: nothing of that kind is known. */
  lost(why: string | undefined): void {
    this.#lost = why;
  }

  /** An append has been acknowledged, so long after it was sent. */
  appended(took_ms: number): void {
    this.#appends++;
    this.#appends_ms += took_ms;
  }

  log(bounds: LogBounds): void {
    this.#bounds = bounds;
  }

  snapshots(count: number, newestRevision: number | undefined): void {
    this.#snapshots = count;
    this.#snapshotRevision = newestRevision;
  }

  measures(): readonly Measure[] {
    const of = (name: string, type: Measure["type"], help: string, value: number): Measure => ({ name, type, help, value });
    const { first, last, bytes } = this.#bounds ?? { first: 1, last: 0, bytes: 0 };
    return [
      of("troupe_store_log_batches", "gauge", "Batches in the log.", last - first + 1),
      of("troupe_store_log_bytes", "gauge", "Bytes of the log.", bytes),
      of("troupe_store_log_lost", "gauge", "1 when the log is not what it was: writes are refused.", this.#lost === undefined ? 0 : 1),
      of("troupe_store_appends_total", "counter", "Batches that this host appended to the log.", this.#appends),
      of("troupe_store_append_seconds_total", "counter", "How long it waited for their acknowledgement.", this.#appends_ms / MS_PER_S),
      of("troupe_store_snapshots", "gauge", "Whole snapshots.", this.#snapshots),
      of("troupe_store_snapshot_revision", "gauge", "The revision of the newest snapshot.", this.#snapshotRevision ?? 0),
      of("troupe_store_checked_bytes_total", "counter", "Bytes of log and snapshots that were read back and checked.", this.checkedBytes),
      of("troupe_store_check_rounds_total", "counter", "Rounds of checking that went through everything.", this.rounds),
      of("troupe_store_damages_total", "counter", "Places of log and snapshots that could not be read back.", this.#damagesCounted),
    ];
  }
}
