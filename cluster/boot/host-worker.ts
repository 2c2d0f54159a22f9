import { totalmem } from "node:os";
import { Worker } from "node:worker_threads";
// Not by way of runtime/mod.ts: the parent should not load the rest of the kernel before it has started its hosts.
import type { RestartStrategy } from "../../runtime/actor.ts";
import { CrashLoop } from "../../runtime/crash-loop.ts";
import type { Logger } from "../../runtime/mod.ts";
import { BootFailure } from "./failure.ts";
import { collectByHeap } from "./garbage-collection.ts";
import type { ControlSecrets, FromHost, HostOptions, ToHost } from "./host-protocol.ts";
import type { Introductions } from "./introductions.ts";
import type { HostPlan } from "./layout.ts";

/** For ever, because without its hosts there is no cluster; a host that keeps crashing is started every ten seconds and says so each time. */
const HOST_RESTARTS: RestartStrategy = { strategy: "restart", backoff_ms: 200, backoff_max_ms: 10_000 };

const BYTES_PER_MIB = 1024 * 1024;
/** Of the memory that Troupe may use, what a host's heap may have. V8 ends a thread at 4 GB by itself, which 530,000 pods fill, however much the machine has left. */
const HEAP_SHARE = 0.75;

const HOST_THREAD = new URL("./host-thread.ts", import.meta.url);

type Started = Extract<FromHost, { type: "started" }>;
type Begun = Extract<FromHost, { type: "begun" }>;

/**
 * A host's thread as the parent sees it. It loads its code from the moment it is made, while the parent prepares what the host will need. A
 * thread that dies after it has begun is started again, with its roles.
 */
export class HostWorker {
  readonly plan: HostPlan;
  readonly #log: Logger;
  /** Told when a host that had begun says that it cannot go on. */
  readonly #failed: (failure: BootFailure) => void;
  #options: HostOptions | undefined;
  #worker: Worker;
  #stopping = false;
  readonly #crashes = new CrashLoop();
  readonly #introductions: Introductions;
  readonly #thread: URL;

  constructor(
    plan: HostPlan,
    log: Logger,
    failed: (failure: BootFailure) => void,
    introductions: Introductions,
    thread: URL = HOST_THREAD,
  ) {
    this.plan = plan;
    this.#introductions = introductions;
    this.#thread = thread;
    this.#log = log;
    this.#failed = failed;
    this.#worker = this.#spawn();
  }

  /** Resolves when the host is connected and has its view. Rejects with BootFailure. */
  async start(options: HostOptions): Promise<Started> {
    this.#options = options;
    return this.#ask({ type: "start", options }, "started");
  }

  /** Resolves when the host has taken up its roles. Rejects with BootFailure. */
  async begin(): Promise<Begun> {
    const begun = await this.#ask({ type: "begin" }, "begun");
    // A thread that replaces this one takes the port that clients know.
    if (begun.port !== undefined && this.#options !== undefined) this.#options = { ...this.#options, apiPort: begun.port };
    const worker = this.#worker;
    worker.on("exit", () => this.#replace(worker));
    worker.on("message", (message: FromHost) => {
      if (message.type === "failed") this.#failed(new BootFailure(message.message));
    });
    // A thread that dies right after it has answered has ended before anybody waits for its exit.
    if (isOver(worker)) this.#replace(worker);
    return begun;
  }

  /** What takes the place of certificates of before, also in a thread that replaces this one. */
  renew(control: ControlSecrets): void {
    if (this.#options === undefined) return;
    this.#options = { ...this.#options, control };
    this.#worker.postMessage({ type: "certificates", control } satisfies ToHost);
  }

  /** Asks the host to drain and waits until its thread has ended; ends it by force after the deadline, or at once when it has not started. */
  async stop(deadline_ms: number): Promise<void> {
    this.#stopping = true;
    const worker = this.#worker;
    if (this.#options === undefined || isOver(worker)) {
      await worker.terminate();
      return;
    }
    const ended = new Promise<void>((resolve) => worker.once("exit", () => resolve()));
    const force = setTimeout(() => void worker.terminate(), deadline_ms);
    worker.postMessage({ type: "stop" } satisfies ToHost);
    await ended;
    clearTimeout(force);
  }

  #spawn(): Worker {
    collectByHeap();
    const worker = new Worker(this.#thread, {
      name: this.plan.name,
      workerData: this.plan,
      resourceLimits: {
        maxOldGenerationSizeMb: Math.floor((mayUse_bytes() * HEAP_SHARE) / BYTES_PER_MIB),
      },
    });
    worker.on("error", (error) => this.#log.error({ host: this.plan.name, error: String(error.stack ?? error) }, "a host crashed"));
    this.#introductions.introduce(this.plan.name, worker);
    return worker;
  }

  #ask<Type extends FromHost["type"]>(question: ToHost, answer: Type): Promise<Extract<FromHost, { type: Type }>> {
    const worker = this.#worker;
    return new Promise((resolve, reject) => {
      const onMessage = (message: FromHost): void => {
        if (message.type === answer) settle(() => resolve(message as Extract<FromHost, { type: Type }>));
        else if (message.type === "failed") settle(() => reject(new BootFailure(message.message)));
      };
      const onExit = (): void =>
        settle(() => reject(new BootFailure(`the host ${this.plan.name} crashed; what it said is above, and a fault of Troupe's own`)));
      const settle = (then: () => void): void => {
        worker.off("message", onMessage).off("exit", onExit);
        then();
      };
      worker.on("message", onMessage).on("exit", onExit);
      worker.postMessage(question);
      if (isOver(worker)) onExit();
    });
  }

  #replace(ended: Worker): void {
    if (this.#stopping || ended !== this.#worker) return;
    const { crashes, restart_ms } = this.#crashes.crashed(performance.now(), "", HOST_RESTARTS);
    this.#log.warn({ host: this.plan.name, crashes, restart_ms }, "a host ended; starting it again");
    setTimeout(() => void this.#startAgain(), restart_ms);
  }

  async #startAgain(): Promise<void> {
    if (this.#stopping || this.#options === undefined) return;
    const worker = this.#spawn();
    this.#worker = worker;
    try {
      await this.start({ ...this.#options, mayMakeLog: false });
      await this.begin();
      this.#log.warn({ host: this.plan.name }, "a host is back");
    } catch (error) {
      if (this.#stopping) return;
      this.#log.error({ host: this.plan.name, error: String(error) }, "a host could not be started again");
      await worker.terminate();
      this.#replace(worker);
    }
  }
}

/** Whether a thread has ended: it has no id then. */
function isOver(worker: Worker): boolean {
  return worker.threadId === -1;
}

/** Of the machine, or of the control group that it is in. */
function mayUse_bytes(): number {
  const constrained = process.constrainedMemory();
  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem();
}
