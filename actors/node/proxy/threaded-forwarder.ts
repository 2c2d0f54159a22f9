import { Worker } from "node:worker_threads";
import type { Clock } from "../../../runtime/mod.ts";
import type { Key } from "../../store/transaction.ts";
import type { Forwarder, ForwarderReport, ServiceForwarding } from "./forwarding.ts";
import type { Nftables } from "./nftables/nft.ts";

export type ToForwarder =
  | { readonly type: "apply"; readonly service: Key; readonly forwarding: ServiceForwarding | undefined }
  | { readonly type: "close" };

/** What its thread is given. */
export interface ForwarderSettings {
  /** Undefined: the kernel forwards nothing. */
  readonly nftables: Nftables | undefined;
}

export type FromForwarder = ForwarderReport;

const THREAD = new URL("./forwarder-thread.ts", import.meta.url);
const CLOSE_MS = 1_000;

/** A forwarder on a thread of its own. `failed` is called when the thread has ended by itself, and all that it forwarded with it. */
export class ThreadedForwarder implements Forwarder {
  readonly #clock: Clock;
  readonly #worker: Worker;
  readonly #ended: Promise<void>;
  #closing = false;

  constructor(clock: Clock, settings: ForwarderSettings, report: (report: ForwarderReport) => void, failed: (error: Error) => void) {
    this.#clock = clock;
    this.#worker = new Worker(THREAD, { workerData: settings });
    this.#worker.on("message", report);
    let cause: Error | undefined;
    this.#worker.on("error", (error) => {
      cause = error instanceof Error ? error : new Error(String(error));
    });
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#ended = promise;
    this.#worker.once("exit", (code) => {
      resolve();
      if (!this.#closing) failed(cause ?? new Error(`the forwarder's thread ended with ${code}`));
    });
  }

  apply(service: Key, forwarding: ServiceForwarding | undefined): void {
    this.#send({ type: "apply", service, forwarding });
  }

  async close(): Promise<void> {
    this.#closing = true;
    this.#send({ type: "close" });
    const force = this.#clock.after(CLOSE_MS, () => void this.#worker.terminate());
    await this.#ended;
    force.cancel();
  }

  #send(message: ToForwarder): void {
    this.#worker.postMessage(message);
  }
}
