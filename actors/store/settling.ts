import { type Clock, Fifo } from "../../runtime/mod.ts";
import type { Place } from "./shelf.ts";
import type { StoredEntry } from "./stored-entry.ts";

/** What has not changed for so long is taken to stay as it is: a pod that was made has been placed and runs by then, where nothing is in its way. */
const SETTLED_AFTER_MS = 10_000;
/** With each change so many are looked at: more than become due by it, so that those of a burst are done with soon after. */
const LOOKED_AT = 4;

interface Changed {
  readonly place: Place;
  readonly revision: number;
  readonly at_ms: number;
}

/** Which objects of a resource have not changed for a while. */
export class Settling {
  readonly #clock: Clock;
  readonly #changed = new Fifo<Changed>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Notes that what is in this place has changed, and gives entries that have settled by now. */
  changed(place: Place): readonly StoredEntry[] {
    const now_ms = this.#clock.monotonic_ms();
    const settled: StoredEntry[] = [];
    for (let looks = 0; looks < LOOKED_AT; looks++) {
      const oldest = this.#changed.head;
      if (oldest === undefined || now_ms - oldest.at_ms < SETTLED_AFTER_MS) break;
      this.#changed.shift();
      const { entry } = oldest.place;
      if (entry?.revision === oldest.revision) settled.push(entry);
    }
    if (place.entry !== undefined) this.#changed.push({ place, revision: place.entry.revision, at_ms: now_ms });
    return settled;
  }
}
