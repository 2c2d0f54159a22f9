import type { Timer } from "../../../runtime/mod.ts";
import type { Subscription } from "../../store/view.ts";
import { GrpcFailure } from "../grpc/failure.ts";
import { ASK_MS, type CriWorld } from "./cri-world.ts";
import { CONTAINER_STATE } from "./messages.ts";
import { LABEL } from "./names.ts";

/** Source: kubelet's genericPlegRelistPeriod, and eventedPlegRelistPeriod where the runtime tells of events itself. */
const RELIST_MS = 1_000;
const RELIST_WITH_EVENTS_MS = 30_000;
/** Events that come together are looked at together. */
const GATHER_MS = 10;
/** Before events that have broken off are asked for again. */
const EVENTS_RETRY_MS = 5_000;
/** For so long after the end of a container a runtime may find out why it has ended: that the kernel has killed it for want of memory. */
const SETTLING_MS = 3_000;

/** What there was of a pod. */
interface Seen {
  /** Sandboxes and containers, with their states. */
  readonly all: string;
  /** How many containers had exited. */
  readonly ended: number;
}

/**
 * Tells of pods in which a sandbox or a container has come, changed its state, or gone. The runtime is asked for all that it has every second; where it tells of events by
 * itself, when it does, and now and then. Without anybody who wants to know it is not asked. Source: kubelet's pleg (generic.go, evented.go).
 */
export class CriChanges {
  readonly #world: CriWorld;
  readonly #watchers = new Map<string, Set<() => void>>();
  /** What there was of each pod when it was looked at last. */
  #seen: ReadonlyMap<string, Seen> = new Map();
  /** Until when pods are told of again in which a container has just ended. */
  readonly #settling = new Map<string, number>();
  #next: Timer | undefined;
  #isLooking = false;
  /** Another look is wanted after the one that is under way. */
  #isWanted = false;
  /** Whether the runtime tells of any; undefined: it has told of none since it was asked to. */
  #hasEvents: boolean | undefined;
  #isFollowing = false;
  #retry: Timer | undefined;

  constructor(world: CriWorld) {
    this.#world = world;
    world.closed.addEventListener("abort", () => {
      this.#next?.cancel();
      this.#retry?.cancel();
    });
  }

  /** Whether anybody wants to know. */
  get isWatched(): boolean {
    return this.#watchers.size > 0;
  }

  isWatching(uid: string): boolean {
    return this.#watchers.has(uid);
  }

  watch(uid: string, changed: () => void): Subscription {
    const watchers = this.#watchers.get(uid) ?? new Set();
    this.#watchers.set(uid, watchers.add(changed));
    if (this.#next === undefined && !this.#isLooking) this.#lookIn(RELIST_MS);
    void this.#follow();
    return {
      cancel: () => {
        watchers.delete(changed);
        if (watchers.size === 0 && this.#watchers.get(uid) === watchers) this.#watchers.delete(uid);
      },
    };
  }

  /** Of a pod something is different that the runtime does not show. */
  tell(uid: string): void {
    for (const changed of this.#watchers.get(uid) ?? []) changed();
  }

  /** What was done here is looked at without waiting for the next time. */
  look(): void {
    if (this.#isLooking) this.#isWanted = true;
    else this.#lookIn(GATHER_MS);
  }

  #lookIn(ms: number): void {
    this.#next?.cancel();
    this.#next = undefined;
    if (this.#world.closed.aborted || !this.isWatched) return;
    this.#next = this.#world.clock.after(ms, () => {
      this.#isLooking = true;
      this.#relist()
        // Whoever is not there now is asked again: what has changed meanwhile shows then.
        .catch(() => {})
        .finally(() => {
          this.#isLooking = false;
          const again = this.#isWanted;
          this.#isWanted = false;
          const isQuiet = this.#hasEvents === true && this.#settling.size === 0;
          this.#lookIn(again ? GATHER_MS : isQuiet ? RELIST_WITH_EVENTS_MS : RELIST_MS);
        });
    });
  }

  async #relist(): Promise<void> {
    const { runtime, owner, clock, closed } = this.#world;
    const filter = { labelSelector: { [LABEL.owner]: owner } };
    const [{ items }, { containers }] = await Promise.all([
      runtime.call("ListPodSandbox", { filter }, ASK_MS, closed),
      runtime.call("ListContainers", { filter }, ASK_MS, closed),
    ]);
    const parts = Map.groupBy([...items, ...containers], ({ labels }) => labels[LABEL.podUid] ?? "");
    const ended = Map.groupBy(containers, ({ labels }) => labels[LABEL.podUid] ?? "");
    const seen = new Map(
      [...parts].map(([uid, all]): [string, Seen] => [
        uid,
        {
          all: all.map(({ id, state }) => `${id} ${state}`).join(","),
          ended: (ended.get(uid) ?? []).filter(({ state }) => state === CONTAINER_STATE.exited).length,
        },
      ]),
    );
    const before = this.#seen;
    this.#seen = seen;
    const now_ms = clock.monotonic_ms();
    for (const uid of this.#watchers.keys()) {
      const [then, now] = [before.get(uid), seen.get(uid)];
      if ((now?.ended ?? 0) > (then?.ended ?? 0)) this.#settling.set(uid, now_ms + SETTLING_MS);
      if (then?.all !== now?.all || this.#settling.has(uid)) this.tell(uid);
    }
    for (const [uid, until_ms] of this.#settling) if (until_ms <= now_ms) this.#settling.delete(uid);
  }

  async #follow(): Promise<void> {
    if (this.#isFollowing || this.#hasEvents === false) return;
    this.#isFollowing = true;
    try {
      for await (const _ of this.#world.runtime.follow("GetContainerEvents", {}, this.#world.closed)) {
        this.#hasEvents = true;
        this.look();
      }
    } catch (error) {
      if (error instanceof GrpcFailure && error.code === "Unimplemented") this.#hasEvents = false;
    }
    this.#isFollowing = false;
    // Until they come again it is looked at as often as without them.
    if (this.#hasEvents !== false) this.#hasEvents = undefined;
    if (this.#hasEvents === false || this.#world.closed.aborted) return;
    this.#retry = this.#world.clock.after(EVENTS_RETRY_MS, () => {
      if (this.isWatched) void this.#follow();
    });
    this.look();
  }
}
