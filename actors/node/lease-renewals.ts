import type { Clock } from "../../runtime/mod.ts";
import { LeaseKind } from "../kinds/coordination/lease.ts";
import { renewedText } from "../kinds/coordination/lease-text.ts";
import { NODE_OF_NAME } from "../registry/authors.ts";
import type { Registry } from "../registry/registry.ts";
import { microTimestamp } from "../registry/timestamps.ts";
import { LEASE_NAMESPACE } from "./node-object.ts";

/** Renewals that are wanted within so long go together: a hundredth of what lies between two of a node, and far from what anybody takes for silence. */
const GATHER_MS = 100;
/** Of one transaction. After an outage thousands of nodes come at once. */
const RENEWALS_MAX = 500;

interface Wish {
  readonly name: string;
  readonly resolve: (renewed: boolean) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * The heartbeats of all nodes of a host. One by one each would be a question to the writer and an answer of its own, hundreds a second where
 * thousands of nodes are played; together they are a few transactions.
 */
export class LeaseRenewals {
  readonly #registry: Registry;
  readonly #clock: Clock;
  #wishes: Wish[] = [];

  constructor(registry: Registry, clock: Clock) {
    this.#registry = registry;
    this.#clock = clock;
  }

  /** Resolves to whether the node's lease was renewed; false: it is not there, not as expected, or somebody else has changed one of them. */
  renew(name: string): Promise<boolean> {
    return new Promise((resolve, reject) => {
      if (this.#wishes.length === 0) this.#clock.after(GATHER_MS, () => this.#renewAll());
      this.#wishes.push({ name, resolve, reject });
    });
  }

  #renewAll(): void {
    const wishes = this.#wishes;
    this.#wishes = [];
    for (let from = 0; from < wishes.length; from += RENEWALS_MAX) void this.#renewSome(wishes.slice(from, from + RENEWALS_MAX));
  }

  async #renewSome(wishes: readonly Wish[]): Promise<void> {
    const renewTime = microTimestamp(this.#clock.now_ms());
    const names = wishes.map(({ name }) => name);
    try {
      const renewed = await this.#registry.rewriteTogether(
        LeaseKind,
        LEASE_NAMESPACE,
        names,
        (text, name) => renewedText(text, name, renewTime),
        { fieldManager: "kubelet", author: NODE_OF_NAME },
      );
      for (const { name, resolve } of wishes) resolve(renewed.has(name));
    } catch (error) {
      for (const { reject } of wishes) reject(error);
    }
  }
}
