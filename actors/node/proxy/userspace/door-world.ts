import type { Socket } from "node:net";
import type { Clock, Random } from "../../../../runtime/mod.ts";
import type { Entrance } from "../forwarding.ts";
import type { Balancer } from "./balancer.ts";

/** What doors share: there is one limit for all of the proxy's sockets. */
export interface DoorWorld {
  readonly clock: Clock;
  readonly random: Random;
  /** Clients that are connected, whichever door they came by. */
  readonly clients: Set<Socket>;
  readonly flows: Budget;
}

export interface DoorOptions extends DoorWorld {
  readonly entrance: Entrance;
  readonly balancer: Balancer;
}

/** Counts what there may be at once. */
export class Budget {
  readonly #max: number;
  #used = 0;

  constructor(max: number) {
    this.#max = max;
  }

  take(): boolean {
    if (this.#used >= this.#max) return false;
    this.#used++;
    return true;
  }

  give(): void {
    this.#used--;
  }
}
