import { type Actor, type ActorKind, type Context, type Sender, type Timer, unknownMessage } from "../../runtime/mod.ts";
import { controllerAccount } from "../registry/authors.ts";
import type { EventRecorder } from "../registry/event-recorder.ts";
import type { Author, Registry } from "../registry/registry.ts";
import { WriteGate } from "../registry/write-gate.ts";
import type { Key } from "../store/transaction.ts";
import type { Change, Subscription, View } from "../store/view.ts";
import { regarding } from "./actions.ts";
import type { Controller, Watch } from "./controller.ts";
import { isSeen, nothingPerformed, type Performed, perform } from "./perform.ts";
import { WorkQueue } from "./work-queue.ts";

/** Keys of one controller that are worked on at the same time. */
const CONTROLLER_CONCURRENCY = 32;
/** Writes of one controller that are under way at the same time: enough to fill what the store commits at once. */
const WRITES_IN_FLIGHT_MAX = 256;
/** Rounds without any write that one turn may do before it lets others have the loop. */
const ROUNDS_PER_TURN = 256;
/** A controller is told only by itself: that something changed, that time has come, and how each of its rounds ended. */
const MAILBOX_CAPACITY = 4_096;

/**
 * The actor of one controller, `controller/<name>`. It promises: every object is looked at after every change that touches it, and again
 * with growing delays as long as that fails; one key is never worked on twice at once; before a key is decided on again, the view
 * shows what the round before wrote. One object whose reconcile throws gets a Warning Event and its backoff, and the others go on.
 */
export type ControllerMessage =
  /** Activates the controller; means nothing more. */
  | { readonly type: "start" }
  | { readonly type: "changed" }
  | { readonly type: "due" }
  | { readonly type: "resync" }
  | { readonly type: "ended"; readonly key: Key; readonly failed: boolean; readonly requeue_ms: number | undefined }
  /** Answered with ControllerCounters. */
  | { readonly type: "counters" };

export interface ControllerCounters {
  /** Changes that were mapped to keys. */
  changes: number;
  /** Keys that changes asked for, and those of them that were not waiting already. */
  keysAsked: number;
  keysQueued: number;
  rounds: number;
  writes: number;
  refusals: number;
  retries: number;
  /** Reconciles or key functions that threw: mistakes of ours. */
  crashes: number;
  ready: number;
  inFlight: number;
}

export interface ControllerDependencies {
  readonly view: View;
  readonly registry: Registry;
  /** The recorder of Events for one component. */
  recorderFor(component: string): Pick<EventRecorder, "event">;
  /** Resolves when the view shows everything that was committed before the call; a controller decides nothing earlier. */
  readonly catchUp?: () => Promise<void>;
}

class ControllerActor implements Actor<ControllerMessage> {
  readonly #controller: Controller;
  readonly #dependencies: ControllerDependencies;
  readonly #context: Context<ControllerMessage>;
  readonly #recorder: Pick<EventRecorder, "event">;
  readonly #author: Author;
  readonly #queue: WorkQueue;
  readonly #concurrency: number;
  readonly #gate = new WriteGate(WRITES_IN_FLIGHT_MAX);
  readonly #subscriptions: Subscription[] = [];
  /** A `changed` message is on its way. */
  #told = false;
  /** Which part of its objects the controller looks at next, of those that it looks at every so often. */
  #nextPart = 0;
  #stopped = false;
  /** Rounds that are being performed. */
  readonly #performing = new Set<Promise<void>>();
  /** What wakes the rounds whose writes the view does not show yet. */
  readonly #unseen = new Map<Performed, () => void>();
  /** Fires at #timerDue_ms. */
  #timer: Timer | undefined;
  #timerDue_ms = Number.POSITIVE_INFINITY;
  readonly #counters: Omit<ControllerCounters, "ready" | "inFlight"> = {
    changes: 0,
    keysAsked: 0,
    keysQueued: 0,
    rounds: 0,
    writes: 0,
    refusals: 0,
    retries: 0,
    crashes: 0,
  };

  constructor(controller: Controller, dependencies: ControllerDependencies, context: Context<ControllerMessage>) {
    this.#controller = controller;
    this.#dependencies = dependencies;
    this.#context = context;
    this.#recorder = dependencies.recorderFor(controller.component);
    this.#author = controller.author ?? controllerAccount(controller.component);
    const { pace_ms = 0 } = controller;
    this.#queue = new WorkQueue(typeof pace_ms === "number" ? () => pace_ms : () => pace_ms(dependencies.view));
    this.#concurrency = controller.concurrency ?? CONTROLLER_CONCURRENCY;
    this.#follow();
    if (controller.resync !== undefined) context.after(controller.resync.period_ms, { type: "resync" });
  }

  receive(message: ControllerMessage, sender: Sender): void {
    switch (message.type) {
      case "start":
        break;
      case "changed":
        this.#told = false;
        break;
      case "due":
        this.#timer = undefined;
        this.#timerDue_ms = Number.POSITIVE_INFINITY;
        break;
      case "resync":
        this.#resync();
        break;
      case "ended":
        this.#ended(message.key, message.failed, message.requeue_ms);
        break;
      case "counters":
        sender.answer({ ...this.#counters, ready: this.#queue.ready, inFlight: this.#queue.inFlight } satisfies ControllerCounters);
        return;
      default:
        unknownMessage(message);
    }
    this.#work();
  }

  movesWith(): ControllerMessage {
    return { type: "start" };
  }

  /** Whoever comes after, perhaps on another host, decides on what the writes under way came to. */
  async stopped(): Promise<void> {
    this.#stopped = true;
    for (const subscription of this.#subscriptions) subscription.cancel();
    this.#timer?.cancel();
    this.#wakeSeen();
    await Promise.all(this.#performing);
  }

  /** Looks at everything that exists, and from then on at what changes. No change falls between: reads of a view are synchronous. */
  #follow(): void {
    const { view } = this.#dependencies;
    for (const index of this.#controller.indexes ?? []) view.index(index);
    for (const watch of this.#controller.watches) this.#watch(watch);
    const more = this.#controller.more?.((watch, indexes) => {
      for (const index of indexes) view.index(index);
      this.#watch(watch);
    });
    if (more !== undefined) this.#subscriptions.push(more);
    this.#subscriptions.push(
      view.afterBatch(() => {
        this.#wakeSeen();
        this.#tellIfReady();
      }),
    );
    this.#tellIfReady();
  }

  #watch(watch: Watch): void {
    const { view } = this.#dependencies;
    for (const now of view.list(watch.resource)) {
      this.#changed(watch, { resource: watch.resource, revision: now.revision, now, before: undefined });
    }
    this.#subscriptions.push(view.watch(watch.resource, view.revision, (change) => this.#changed(watch, change)));
  }

  /** Runs inside the replica's turn: only marks. */
  #changed(watch: Watch, change: Change): void {
    this.#counters.changes++;
    let keys: readonly Key[];
    try {
      keys = watch.keys(change, this.#dependencies.view);
    } catch (error) {
      this.#counters.crashes++;
      const key = (change.now ?? change.before)?.key;
      this.#context.log.error({ controller: this.#controller.name, key, error: String(error) }, "a change could not be mapped to keys");
      return;
    }
    if (keys.length === 0) return;
    const now_ms = this.#context.clock.now_ms();
    this.#counters.keysAsked += keys.length;
    for (const key of keys) if (this.#queue.add(key, now_ms)) this.#counters.keysQueued++;
  }

  #tellIfReady(): void {
    if (this.#told || this.#stopped) return;
    if (this.#queue.ready === 0) this.#arm();
    else if (this.#queue.inFlight < this.#concurrency) this.#tell();
  }

  #tell(): void {
    this.#told = true;
    this.#context.tell(this.#context.self, { type: "changed" });
  }

  #resync(): void {
    const { resync } = this.#controller;
    if (resync === undefined) return;
    const { view } = this.#dependencies;
    const now_ms = this.#context.clock.now_ms();
    const of = Math.max(1, resync.parts?.(view) ?? 1);
    const index = this.#nextPart % of;
    this.#nextPart = index + 1;
    for (const key of resync.keys(view, now_ms, { index, of })) this.#queue.add(key, now_ms);
    this.#context.after(resync.period_ms / of, { type: "resync" });
  }

  #work(): void {
    for (let rounds = 0; this.#queue.inFlight < this.#concurrency; rounds++) {
      if (rounds >= ROUNDS_PER_TURN) {
        if (!this.#told) this.#tell();
        return;
      }
      const key = this.#queue.take(this.#context.clock.now_ms());
      if (key === undefined) break;
      this.#round(key);
    }
    this.#arm();
  }

  #round(key: Key): void {
    this.#counters.rounds++;
    const actions = this.#decide(key, () => this.#controller.reconcile(this.#dependencies.view, key, this.#context.clock.now_ms()));
    if (actions === undefined || actions.length === 0) {
      this.#ended(key, actions === undefined, undefined);
      return;
    }
    const performing = this.#perform(key, actions).then((performed) => {
      this.#performing.delete(performing);
      this.#counters.writes += performed.writes;
      this.#counters.refusals += performed.refusals.length;
      const failed = performed.refusals.length > 0;
      if (!this.#stopped) this.#context.tell(this.#context.self, { type: "ended", key, failed, requeue_ms: performed.requeue_ms });
    });
    this.#performing.add(performing);
  }

  async #perform(key: Key, actions: Parameters<typeof perform>[0]): Promise<Performed> {
    const { registry } = this.#dependencies;
    const by = {
      registry,
      recorder: this.#recorder,
      author: this.#author,
      fieldManager: this.#controller.fieldManager,
      gate: this.#gate,
      isOver: () => this.#stopped,
    };
    const performed = nothingPerformed();
    await perform(actions, by, performed);
    if (performed.refusals.length > 0) {
      const { refusals } = performed;
      for (const { write, error } of refusals) {
        this.#context.log.debug(
          { controller: this.#controller.name, key, write: write.do, kind: write.kind.kind, error: error.message },
          "refused",
        );
      }
      const { view } = this.#dependencies;
      const more = this.#decide(key, () => this.#controller.refused?.(view, key, this.#context.clock.now_ms(), [...refusals]) ?? []);
      if (more !== undefined) await perform(more, by, performed);
    }
    await this.#untilSeen(performed);
    return performed;
  }

  /** However long it takes: a view that lags behind for seconds shows nothing of what it was that was made. */
  async #untilSeen(performed: Performed): Promise<void> {
    if (!this.#stopped && !isSeen(this.#dependencies.view, performed))
      await new Promise<void>((resolve) => this.#unseen.set(performed, resolve));
  }

  #wakeSeen(): void {
    for (const [performed, wake] of this.#unseen) {
      if (!this.#stopped && !isSeen(this.#dependencies.view, performed)) continue;
      this.#unseen.delete(performed);
      wake();
    }
  }

  /** What `decide` returns; undefined when it threw, which concerns this key alone. */
  #decide<T>(key: Key, decide: () => T): T | undefined {
    try {
      return decide();
    } catch (error) {
      this.#counters.crashes++;
      const message = error instanceof Error ? error.message : String(error);
      this.#context.log.error(
        { controller: this.#controller.name, key, error: error instanceof Error ? error.stack : message },
        "reconcile threw",
      );
      const { kind } = this.#controller;
      const object = kind === undefined ? undefined : this.#objectOf(key);
      if (kind !== undefined && object !== undefined) {
        this.#recorder.event(regarding(kind, object), "Warning", "ReconcileError", `Error reconciling: ${message}`);
      }
      return undefined;
    }
  }

  #objectOf(key: Key): ReturnType<View["get"]> {
    try {
      return this.#dependencies.view.get(key);
    } catch {
      return undefined;
    }
  }

  #ended(key: Key, failed: boolean, requeue_ms: number | undefined): void {
    const now_ms = this.#context.clock.now_ms();
    this.#queue.done(key, now_ms);
    if (failed) {
      this.#counters.retries++;
      const { retry_ms, retryFirst_ms } = this.#controller;
      this.#queue.addAt(key, now_ms + (retry_ms ?? this.#queue.retryAfter_ms(key, retryFirst_ms)));
    } else this.#queue.succeeded(key);
    if (requeue_ms !== undefined) this.#queue.addAt(key, now_ms + requeue_ms);
  }

  /** Sees to it that `due` comes when the next waiting key is due. */
  #arm(): void {
    if (this.#stopped) return;
    const due_ms = this.#queue.nextDue_ms();
    if (due_ms === undefined || due_ms >= this.#timerDue_ms) return;
    this.#timer?.cancel();
    this.#timerDue_ms = due_ms;
    this.#timer = this.#context.after(Math.max(0, due_ms - this.#context.clock.now_ms()), { type: "due" });
  }
}

/**
 * The actor kind that runs these controllers, each as `controller/<name>` once it is sent `start`. `controllers` makes them anew for every
 * activation, since some remember what they have seen.
 */
export function controllerKind(
  controllers: () => readonly Controller[],
  dependencies: ControllerDependencies,
): ActorKind<ControllerMessage> {
  return {
    kind: "controller",
    mailboxCapacity: MAILBOX_CAPACITY,
    supervision: { strategy: "restart", backoff_ms: 100, backoff_max_ms: 10_000 },
    async activate(context, key) {
      const all = controllers();
      const controller = all.find(({ name }) => name === key);
      if (controller === undefined) throw new Error(`there is no controller ${key}; there are ${all.map(({ name }) => name).join(", ")}`);
      await dependencies.catchUp?.();
      return new ControllerActor(controller, dependencies, context);
    },
  };
}
