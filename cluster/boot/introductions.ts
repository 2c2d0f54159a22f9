import { MessageChannel, type Worker } from "node:worker_threads";
import type { ToHost } from "./host-protocol.ts";

/** Gives every two hosts of this process a channel of their own, also those that are started in place of others (docs/adr/0008). */
export class Introductions {
  readonly #workers = new Map<string, Worker>();

  /** A host's thread was made; it hears of its peers before anything else. */
  introduce(name: string, worker: Worker): void {
    for (const [other, there] of this.#workers) {
      if (other === name) continue;
      const { port1, port2 } = new MessageChannel();
      worker.postMessage({ type: "peer", host: other, port: port1 } satisfies ToHost, [port1]);
      there.postMessage({ type: "peer", host: name, port: port2 } satisfies ToHost, [port2]);
    }
    this.#workers.set(name, worker);
    worker.once("exit", () => {
      if (this.#workers.get(name) === worker) this.#workers.delete(name);
    });
  }
}
