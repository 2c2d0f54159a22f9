import type { Logger } from "../../runtime/mod.ts";
import type { Change, Subscription } from "./view.ts";

interface Watcher {
  readonly apply: (change: Change) => void;
  /** Changes up to this revision were told: what makes "exactly once" hold for those who begin to watch while others are being told. */
  told: number;
}

/** Those who watch one resource. One that throws is cut off and logged; the others never notice. */
export class Watchers {
  readonly #watchers = new Set<Watcher>();
  readonly #log: Logger;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Tells the `past` changes at once and those to come after `since` when they come. */
  add(since: number, past: readonly Change[], apply: (change: Change) => void): Subscription {
    const watcher: Watcher = { apply, told: since };
    this.#watchers.add(watcher);
    for (const change of past) {
      if (!this.#watchers.has(watcher)) break;
      this.#tellOne(watcher, change);
    }
    return { cancel: () => void this.#watchers.delete(watcher) };
  }

  tell(change: Change): void {
    for (const watcher of this.#watchers) this.#tellOne(watcher, change);
  }

  #tellOne(watcher: Watcher, change: Change): void {
    if (change.revision <= watcher.told) return;
    watcher.told = change.revision;
    try {
      watcher.apply(change);
    } catch (error) {
      this.#watchers.delete(watcher);
      this.#log.error({ resource: change.resource, revision: change.revision, error: String(error) }, "a watcher threw and is cut off");
    }
  }
}
