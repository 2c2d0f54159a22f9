import type { Happened } from "../happening.ts";

/** When hosts were last able to do anything: what was due while one was paused, or before its life, is late by that. */
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

/** When hosts were last able to begin turns: they were neither paused nor without a lease since. */
export class Leases {
  readonly #pauses = new Pauses();
  readonly #since_ms = new Map<string, number>();
  readonly #until_ms = new Map<string, number>();

  saw(happened: Happened): void {
    this.#pauses.saw(happened);
    if (happened.what === "host begins") this.#until_ms.set(happened.host, Number.NEGATIVE_INFINITY);
    if (happened.what !== "lease") return;
    if (happened.at_ms > this.until_ms(happened.host)) this.#since_ms.set(happened.host, happened.at_ms);
    this.#until_ms.set(happened.host, happened.until_ms);
  }

  until_ms(host: string): number {
    return this.#until_ms.get(host) ?? Number.POSITIVE_INFINITY;
  }

  /** The moment from which on the host has been able to, infinity while it is not. */
  actingSince_ms(host: string, at_ms: number): number {
    if (at_ms > this.until_ms(host)) return Number.POSITIVE_INFINITY;
    return Math.max(this.#pauses.runningSince_ms(host), this.#since_ms.get(host) ?? 0);
  }
}
