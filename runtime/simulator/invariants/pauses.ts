import type { Happened } from "../happening.ts";

/** When a host was last able to do anything: what was due while it was paused, or before its life, is late by that. */
export class Pauses {
  readonly #since_ms = new Map<string, number>();

  saw(happened: Happened): void {
    if (happened.what === "host pauses") this.#since_ms.set(happened.host, Number.POSITIVE_INFINITY);
    else if (happened.what === "host goes on" || happened.what === "host begins") this.#since_ms.set(happened.host, happened.at_ms);
  }

  /** The moment from which on the host has been running, infinity while it is not. */
  runningSince_ms(host: string): number {
    return this.#since_ms.get(host) ?? 0;
  }
}
