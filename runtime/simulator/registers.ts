import type { Entry, Registers, RegistersWatcher } from "../membership/registers.ts";
import type { Random } from "../time.ts";
import type { SimulatedNats } from "./nats.ts";
import type { Seat } from "./scenario.ts";
import type { Owner, Schedule } from "./schedule.ts";

/** One value in so many comes a second time. */
const TWICE_ONE_IN = 20;

/** A watcher that could not be reached is tried again this often. */
const CATCH_UP_MS = 100;

interface Watch {
  readonly seat: Owner & Seat;
  readonly watcher: RegistersWatcher;
  /** When the last value for it arrives: none overtakes another. */
  last_ms: number;
  /** It was out of reach when something changed. */
  behind: boolean;
}

/** The registers that the hosts of a run share, each reaching them over its own bad way to the server. */
export class SharedRegisters {
  readonly #schedule: Schedule;
  readonly #nats: SimulatedNats;
  readonly #random: Random;
  readonly #entries = new Map<string, Entry>();
  readonly #watches = new Set<Watch>();
  #revision = 0;

  constructor(schedule: Schedule, nats: SimulatedNats, random: Random) {
    this.#schedule = schedule;
    this.#nats = nats;
    this.#random = random;
  }

  /** As this host sees them. */
  of(seat: Owner & Seat): Registers {
    return {
      write: (register, value, expected) => seat.remote(() => this.#write(register, value, expected)),
      watch: (watcher) => this.#watch(seat, watcher),
    };
  }

  #write(register: string, value: unknown, expected: number): boolean {
    if ((this.#entries.get(register)?.revision ?? 0) !== expected) return false;
    const entry: Entry = { register, revision: ++this.#revision, value: JSON.parse(JSON.stringify(value)) };
    this.#entries.set(register, entry);
    for (const watch of this.#watches) {
      if (watch.seat.alive) this.#tell(watch, entry);
      else this.#watches.delete(watch);
    }
    return true;
  }

  #watch(seat: Owner & Seat, watcher: RegistersWatcher): () => void {
    const watch: Watch = { seat, watcher, last_ms: 0, behind: false };
    this.#schedule.after(this.#nats.hop_ms(seat.host), undefined, () => {
      this.#watches.add(watch);
      for (const entry of this.#entries.values()) this.#tell(watch, entry);
      this.#send(watch, () => watcher.current());
    });
    return () => this.#schedule.after(0, undefined, () => this.#watches.delete(watch));
  }

  #tell(watch: Watch, entry: Entry): void {
    const changed = (): void => watch.watcher.changed(entry);
    this.#send(watch, changed);
    if (this.#random.below(TWICE_ONE_IN) === 0) this.#send(watch, changed);
  }

  /** To the watcher, if it can be reached; else it is told all that there is when it can. */
  #send(watch: Watch, then: () => void): void {
    const { seat } = watch;
    if (!this.#nats.link(seat.host).up) {
      if (!watch.behind) this.#catchUpLater(watch);
      watch.behind = true;
      return;
    }
    watch.last_ms = Math.max(watch.last_ms, this.#schedule.now_ms + this.#nats.hop_ms(seat.host));
    this.#schedule.at(watch.last_ms, seat, () => {
      if (this.#watches.has(watch)) then();
    });
  }

  #catchUpLater(watch: Watch): void {
    this.#schedule.after(CATCH_UP_MS, undefined, () => {
      if (!watch.seat.alive || !this.#watches.has(watch)) return;
      if (!this.#nats.link(watch.seat.host).up) {
        this.#catchUpLater(watch);
        return;
      }
      watch.behind = false;
      for (const entry of this.#entries.values()) this.#tell(watch, entry);
      this.#send(watch, () => watch.watcher.current());
    });
  }
}
