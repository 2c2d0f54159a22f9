import type { Address } from "./address.ts";
import { type Envelope, UNWATCH, WATCH, WATCHED_ENDED } from "./envelope.ts";
import type { Timer } from "./time.ts";

/** What the death watch needs of its host. */
export interface WatchPorts {
  readonly self: string;
  /** The host where the address lives; undefined when none offers its kind. */
  placeOf(address: Address): string | undefined;
  send(host: string, envelope: Envelope): void;
}

/** The wish of another host to know. */
interface Afar {
  readonly host: string;
  readonly id: number;
}

/**
 * Who on this host wants to know of the end of an actor, here or elsewhere, and who elsewhere wants to know of one here. The host of the watched
 * actor keeps the list and says so when an activation has ended for good; the host of the watcher keeps what it is to be told. A watch stands
 * on an address: it sees the first ending from then on, waits for an activation that is still to come, and follows the address when it moves.
 * Whoever was to hand the address over may be lost before it has, and nobody can say then whether it goes on elsewhere: that counts as an ending too.
 */
export class DeathWatch {
  readonly #ports: WatchPorts;
  /** Of addresses that live here. */
  readonly #watchers = new Map<Address, (Watch | Afar)[]>();
  /** Watches of actors here on actors elsewhere, by the id that WATCHED_ENDED will name. */
  readonly #afar = new Map<number, Watch>();
  #nextId: number;

  constructor(ports: WatchPorts, firstId: number) {
    this.#ports = ports;
    this.#nextId = firstId;
  }

  /** Calls `tell` once when an activation of the address ends for good, or its host is lost. */
  watch(address: Address, tell: () => void): Timer {
    const watch = new Watch(this, address, tell);
    this.#place(watch);
    return watch;
  }

  /** An activation of an address of this host has ended, and not in order to go on elsewhere or later. */
  ended(address: Address): void {
    if (this.#watchers.size === 0) return;
    const watchers = this.#watchers.get(address);
    if (watchers === undefined) return;
    this.#watchers.delete(address);
    for (const watcher of watchers) {
      if (watcher instanceof Watch) watcher.tell();
      else this.#ports.send(watcher.host, [WATCHED_ENDED, watcher.id]);
    }
  }

  /** Another host wants to know. Also when this host does not know yet that the address lives here. */
  watchedFrom(host: string, address: Address, id: number): void {
    this.#add(address, { host, id });
  }

  unwatchedFrom(host: string, address: Address, id: number): void {
    this.#remove(address, (watcher) => !(watcher instanceof Watch) && watcher.host === host && watcher.id === id);
  }

  endedAfar(id: number): void {
    const watch = this.#afar.get(id);
    this.#afar.delete(id);
    watch?.tell();
  }

  /** Nobody is there under this name, as far as one can see: what lived there counts as ended, and what moved from there may never have arrived. */
  lost(host: string): void {
    for (const watch of this.#own()) {
      if (watch.host === host) this.#afar.delete(watch.id);
      else if (watch.left?.has(host) === true) this.cancel(watch);
      else continue;
      watch.tell();
    }
  }

  /** This host is no member any more: who watched from there does not any more. */
  removed(host: string): void {
    for (const [address, watchers] of [...this.#watchers]) {
      this.#keep(
        address,
        watchers.filter((watcher) => watcher instanceof Watch || watcher.host !== host),
      );
    }
  }

  /** This host itself was removed, and none of its activations may act. */
  clear(): void {
    this.#watchers.clear();
    this.#afar.clear();
  }

  /** Other hosts take part now. Those that do not are lost; addresses that live elsewhere are watched there. */
  moved(members: ReadonlySet<string>): void {
    const { self } = this.#ports;
    const mine = [...this.#afar.values()];
    for (const [address, watchers] of [...this.#watchers]) {
      // Watchers elsewhere see the same members, and look after their own watches.
      if (this.#ports.placeOf(address) !== self) {
        this.#watchers.delete(address);
        mine.push(...watchers.filter((watcher) => watcher instanceof Watch));
      } else {
        this.#keep(
          address,
          watchers.filter((watcher) => watcher instanceof Watch || members.has(watcher.host)),
        );
      }
    }
    for (const watch of mine) {
      if (watch.host !== undefined && !members.has(watch.host)) {
        this.#afar.delete(watch.id);
        watch.tell();
      } else if (watch.host !== this.#ports.placeOf(watch.address)) {
        this.cancel(watch);
        if (watch.host !== undefined) watch.left = new Set(watch.left).add(watch.host);
        this.#place(watch);
      }
    }
  }

  /** Of actors of this host. */
  *#own(): Generator<Watch> {
    yield* [...this.#afar.values()];
    for (const watchers of [...this.#watchers.values()]) for (const watcher of [...watchers]) if (watcher instanceof Watch) yield watcher;
  }

  cancel(watch: Watch): void {
    if (watch.host === undefined) {
      this.#remove(watch.address, (watcher) => watcher === watch);
    } else if (this.#afar.delete(watch.id)) {
      this.#ports.send(watch.host, [UNWATCH, watch.address, watch.id]);
    }
  }

  #place(watch: Watch): void {
    const place = this.#ports.placeOf(watch.address);
    watch.host = place === this.#ports.self ? undefined : place;
    if (place === undefined) {
      // What no host offers cannot be alive.
      watch.tell();
    } else if (watch.host === undefined) {
      this.#add(watch.address, watch);
    } else {
      watch.id = this.#nextId++;
      this.#afar.set(watch.id, watch);
      this.#ports.send(watch.host, [WATCH, watch.address, watch.id]);
    }
  }

  #add(address: Address, watcher: Watch | Afar): void {
    const watchers = this.#watchers.get(address);
    if (watchers === undefined) this.#watchers.set(address, [watcher]);
    else watchers.push(watcher);
  }

  #remove(address: Address, isIt: (watcher: Watch | Afar) => boolean): void {
    const watchers = this.#watchers.get(address);
    const at = watchers?.findIndex(isIt) ?? -1;
    if (watchers === undefined || at < 0) return;
    watchers.splice(at, 1);
    this.#keep(address, watchers);
  }

  #keep(address: Address, watchers: (Watch | Afar)[]): void {
    if (watchers.length === 0) this.#watchers.delete(address);
    else this.#watchers.set(address, watchers);
  }
}

/** One wish of an actor of this host to know of an ending. */
class Watch implements Timer {
  readonly address: Address;
  readonly tell: () => void;
  readonly #deathWatch: DeathWatch;
  /** Where the watched address lives, when that is not here. */
  host: string | undefined = undefined;
  /** Other hosts where it lived before, since the watch began. */
  left: Set<string> | undefined = undefined;
  /** Of a watch on another host. */
  id = 0;

  constructor(deathWatch: DeathWatch, address: Address, tell: () => void) {
    this.#deathWatch = deathWatch;
    this.address = address;
    this.tell = tell;
  }

  cancel(): void {
    this.#deathWatch.cancel(this);
  }
}
