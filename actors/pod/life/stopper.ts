import type { Clock } from "../../../runtime/mod.ts";
import type { Container, Pod } from "../../kinds/generated/types.ts";
import type { PodPlace } from "../pod-status.ts";
import type { Handlers } from "./handlers.ts";
import type { StopCause } from "./plan.ts";
import { initContainersOf, isSidecar } from "./pod-containers.ts";
import { type LifeWorld, tellOf } from "./world.ts";

/** What a container has after SIGTERM at the least, however long its hook took. Source: kubelet's minimumGracePeriodInSeconds. */
const GRACE_LEAST_MS = 2_000;
const GRACE_DEFAULT_S = 30;
const MS_PER_S = 1_000;

export interface Stop {
  readonly pod: Pod;
  readonly place: PodPlace;
  readonly container: Container;
  readonly id: string;
  readonly cause: StopCause;
  readonly message: string;
  /** Whatever the pod says. */
  readonly grace_s?: number;
}

interface Stopping {
  readonly container: Container;
  readonly hurry: AbortController;
  /** Resolves when it has ended; never rejects. */
  readonly ended: Promise<void>;
}

/**
 * Ends containers of one pod, each on its own: the Event, the preStop hook, SIGTERM, and SIGKILL when the grace period is over. Sidecars end after
 * the main containers, in the reverse order of their start. Source: kubelet's killContainer and terminationOrdering (Kubernetes 1.34).
 */
export class Stopper {
  readonly #world: LifeWorld;
  readonly #handlers: Handlers;
  readonly #clock: Clock;
  readonly #sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly #changed: () => void;
  readonly #complain: (error: unknown) => void;
  readonly #stopping = new Map<string, Stopping>();
  /** The last run of each container that has ended here: what was seen of it before is no reason to end it again. */
  readonly #stopped = new Map<string, string>();

  constructor(
    world: LifeWorld,
    handlers: Handlers,
    clock: Clock,
    sleep: (ms: number, signal: AbortSignal) => Promise<void>,
    told: { readonly changed: () => void; readonly complain: (error: unknown) => void },
  ) {
    this.#world = world;
    this.#handlers = handlers;
    this.#clock = clock;
    this.#sleep = sleep;
    this.#changed = told.changed;
    this.#complain = told.complain;
  }

  get isBusy(): boolean {
    return this.#stopping.size > 0;
  }

  isStopping(id: string): boolean {
    return this.#stopping.has(id);
  }

  stop(stop: Stop): void {
    const { id, container } = stop;
    if (this.#stopping.has(id) || this.#stopped.get(container.name) === id) return;
    const hurry = new AbortController();
    const before = stop.cause === "ending" ? this.#endBefore(stop.pod, container) : [];
    const ended = this.#end(stop, hurry.signal, before)
      .then(() => void this.#stopped.set(container.name, id))
      .catch(this.#complain)
      .finally(() => {
        this.#stopping.delete(id);
        this.#changed();
      });
    this.#stopping.set(id, { container, hurry, ended });
  }

  /** All that ends is to end within this. */
  hurry(grace_ms: number): void {
    for (const [id, { hurry }] of this.#stopping) {
      hurry.abort();
      this.#world.runtime.stopContainer(id, Math.max(grace_ms, GRACE_LEAST_MS)).catch(this.#complain);
    }
  }

  async #end(stop: Stop, hurry: AbortSignal, before: readonly Stopping[]): Promise<void> {
    const { pod, place, container, id, message } = stop;
    tellOf(this.#world.recorder, pod, container, "Normal", "Killing", message);
    const grace_ms = graceOf(stop);
    const since_ms = this.#clock.monotonic_ms();
    const left_ms = (): number => grace_ms - (this.#clock.monotonic_ms() - since_ms);
    const hook = container.lifecycle?.preStop;
    if (hook !== undefined && grace_ms > 0) {
      const running = this.#handlers
        .hook(hook, { container, id, address: place.podIP }, (ms) => this.#sleep(ms, hurry), hurry)
        .catch(() => {
          if (!hurry.aborted) tellOf(this.#world.recorder, pod, container, "Warning", "FailedPreStopHook", "PreStopHook failed");
        });
      await this.#within(running, grace_ms, hurry);
    }
    if (before.length > 0 && left_ms() > 0) await this.#within(Promise.all(before.map(({ ended }) => ended)), left_ms(), hurry);
    await this.#world.runtime.stopContainer(id, Math.max(left_ms(), GRACE_LEAST_MS));
  }

  /** Waits for the work, but no longer than so, nor when it has to be quick. */
  async #within(work: Promise<unknown>, ms: number, hurry: AbortSignal): Promise<void> {
    const over = new AbortController();
    const forward = (): void => over.abort();
    hurry.addEventListener("abort", forward);
    if (hurry.aborted) over.abort();
    await Promise.race([work, this.#sleep(ms, over.signal)]);
    over.abort();
    hurry.removeEventListener("abort", forward);
  }

  /** Those that are to have ended before this one. */
  #endBefore(pod: Pod, container: Container): readonly Stopping[] {
    const inits = initContainersOf(pod);
    const place = inits.findIndex(({ name }) => name === container.name);
    const self = inits[place];
    if (self === undefined || !isSidecar(self)) return [];
    const later = new Set(inits.slice(place + 1).map(({ name }) => name));
    const mains = new Set(pod.spec.containers.map(({ name }) => name));
    return [...this.#stopping.values()].filter((other) => mains.has(other.container.name) || later.has(other.container.name));
  }
}

/** Source: setTerminationGracePeriod. */
function graceOf({ pod, container, cause, grace_s }: Stop): number {
  const { deletionGracePeriodSeconds: ofDeletion } = pod.metadata;
  const ofProbe =
    cause === "startup"
      ? container.startupProbe?.terminationGracePeriodSeconds
      : cause === "liveness"
        ? container.livenessProbe?.terminationGracePeriodSeconds
        : undefined;
  return (grace_s ?? ofDeletion ?? ofProbe ?? pod.spec.terminationGracePeriodSeconds ?? GRACE_DEFAULT_S) * MS_PER_S;
}
