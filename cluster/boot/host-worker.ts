import { Worker } from "node:worker_threads";
import type { Logger } from "../../runtime/mod.ts";
import { BootFailure } from "./failure.ts";
import type { FromHost, HostOptions, ToHost } from "./host-protocol.ts";

const RESTART_BACKOFF_MS = 200;
const RESTART_BACKOFF_MAX_MS = 10_000;

type Begun = Extract<FromHost, { type: "begun" }>;

/** A host's thread as the parent sees it. A thread that dies is started again, with its roles. */
export class HostWorker {
  readonly #log: Logger;
  #options: HostOptions;
  #worker: Worker;
  #stopping = false;
  #backoff_ms = RESTART_BACKOFF_MS;
  /** Told when a host that had begun says that it cannot go on. */
  readonly #failed: (failure: BootFailure) => void;

  constructor(options: HostOptions, log: Logger, failed: (failure: BootFailure) => void) {
    this.#options = options;
    this.#log = log;
    this.#failed = failed;
    this.#worker = this.#spawn();
  }

  /** Resolves when the host is connected and has its view. Rejects with BootFailure. */
  async started(): Promise<void> {
    await this.#hear("started");
  }

  async begin(): Promise<Begun> {
    const begun = this.#hear("begun");
    this.#tell({ type: "begin" });
    const answer = await begun;
    // A thread that replaces this one takes the port that clients know.
    if (answer.port !== undefined) this.#options = { ...this.#options, apiPort: answer.port };
    this.#worker.on("exit", () => this.#replace());
    this.#worker.on("message", (message: FromHost) => {
      if (message.type === "failed") this.#failed(new BootFailure(message.message));
    });
    return answer;
  }

  /** Asks the host to drain and waits until its thread has ended; ends it by force after the deadline. */
  async stop(deadline_ms: number): Promise<void> {
    this.#stopping = true;
    const ended = new Promise<void>((resolve) => this.#worker.once("exit", () => resolve()));
    const force = setTimeout(() => void this.#worker.terminate(), deadline_ms);
    this.#tell({ type: "stop" });
    await ended;
    clearTimeout(force);
  }

  #spawn(): Worker {
    const worker = new Worker(new URL("./host-thread.ts", import.meta.url), { name: this.#options.plan.name, workerData: this.#options });
    worker.on("error", (error) =>
      this.#log.error({ host: this.#options.plan.name, error: String(error.stack ?? error) }, "a host crashed"),
    );
    return worker;
  }

  #tell(message: ToHost): void {
    this.#worker.postMessage(message);
  }

  #hear<Type extends FromHost["type"]>(type: Type): Promise<Extract<FromHost, { type: Type }>> {
    const worker = this.#worker;
    return new Promise((resolve, reject) => {
      const onMessage = (message: FromHost): void => {
        if (message.type === type) settle(() => resolve(message as Extract<FromHost, { type: Type }>));
        else if (message.type === "failed") settle(() => reject(new BootFailure(message.message)));
      };
      const onExit = (code: number): void =>
        settle(() => reject(new BootFailure(`host ${this.#options.plan.name} ended with code ${code}; its last lines in the log say why`)));
      const settle = (then: () => void): void => {
        worker.off("message", onMessage).off("exit", onExit);
        then();
      };
      worker.on("message", onMessage).on("exit", onExit);
    });
  }

  #replace(): void {
    if (this.#stopping) return;
    this.#log.warn({ host: this.#options.plan.name, restart_ms: this.#backoff_ms }, "a host ended; starting it again");
    setTimeout(async () => {
      if (this.#stopping) return;
      this.#worker = this.#spawn();
      try {
        await this.started();
        await this.begin();
        this.#backoff_ms = RESTART_BACKOFF_MS;
      } catch (error) {
        this.#log.error({ host: this.#options.plan.name, error: String(error) }, "a host could not be started again");
        await this.#worker.terminate();
        this.#replace();
      }
    }, this.#backoff_ms);
    this.#backoff_ms = Math.min(this.#backoff_ms * 2, RESTART_BACKOFF_MAX_MS);
  }
}
