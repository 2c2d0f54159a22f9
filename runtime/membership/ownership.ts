import type { Address } from "../address.ts";
import type { Directory } from "../directory.ts";

/** Views that may come one after another without all members agreeing on one; then a host waits for the next that all agree on. */
const UNSETTLED_VIEWS_MAX = 64;

/**
 * Which addresses one host may activate. It knows the views that the host has applied since the last one that settled (under which all members had
 * let go of what was not theirs). An address is the host's own alone if it was the host's in each of them: nobody else can have come to own
 * it meanwhile without this host having let go of it first.
 */
export class Ownership {
  readonly #host: string;
  /** Invariant: the first is the one that settled last, when `#settled`. */
  #views: Directory[] = [];
  #settled = false;
  #held: ReadonlySet<Address> = new Set();

  constructor(host: string) {
    this.#host = host;
  }

  /** The host goes by this view from now on. */
  applied(view: Directory): void {
    this.#views.push(view);
    if (this.#views.length <= UNSETTLED_VIEWS_MAX) return;
    this.#views = [view];
    this.#settled = false;
  }

  /** All members have let go of what is not theirs under the present view. */
  settled(): void {
    this.#views = this.#views.slice(-1);
    this.#settled = true;
  }

  /** These are still held by others, whose turns are not over. */
  held(addresses: readonly Address[]): void {
    this.#held = new Set(addresses);
  }

  /** Nothing is this host's any more. */
  none(): void {
    this.#views = [];
    this.#settled = false;
    this.#held = new Set();
  }

  mayActivate(address: Address): boolean {
    if (!this.#settled || this.#held.has(address)) return false;
    return this.#views.every((view) => view.placeOf(address) === this.#host);
  }
}
