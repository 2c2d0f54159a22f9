import { resourceOf } from "../../actors/kinds/kind.ts";
import type { Kind, KubeObject } from "../../actors/mod.ts";
import { keyFor, StatusError } from "../../actors/mod.ts";
import type { Key } from "../../actors/store/transaction.ts";
import type { Clock, Logger, Random } from "../../runtime/mod.ts";
import type { ApiClient } from "./api-client.ts";
import { collectionPath } from "./api-paths.ts";
import type { FollowedObjects } from "./followed-objects.ts";

const RETRY_MIN_MS = 200;
/** Source: client-go's reflector, whose back-off ends at 30 s; a machine looks more often whether its cluster is back. */
const RETRY_MAX_MS = 5_000;
const GONE = 410;

export interface ReflectorWorld {
  readonly client: Pick<ApiClient, "call" | "watch">;
  readonly objects: FollowedObjects;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** What is followed: a resource, as far as the selector says, everywhere or in one namespace. */
export interface Reflected {
  readonly kind: Pick<Kind, "group" | "version" | "plural">;
  readonly namespace?: string;
  /** `spec.nodeName=one`; absent: all. */
  readonly fieldSelector?: string;
  /** The same, of labels. */
  readonly labelSelector?: string;
  /** Which keys are a part of it; absent: all of the resource. */
  readonly isPart?: (key: Key) => boolean;
}

interface List {
  readonly metadata: { readonly resourceVersion: string };
  readonly items: readonly KubeObject[];
}

/**
 * Keeps objects as the API says they are: lists them, then follows what becomes of them from there on; when the API has forgotten where that was (410) it lists them again.
 * An API server that is away, or refuses, is asked again for as long as it takes, and what was known stays: pods do not end because it has forgotten a role for a moment. Source: client-go's tools/cache.
 */
export class Reflector {
  /** Resolves when they have been listed for the first time. */
  readonly listed: Promise<void>;
  /** The same, or refused. */
  readonly asked: Promise<void>;
  readonly #world: ReflectorWorld;
  readonly #what: Reflected;
  readonly #path: string;
  readonly #over = new AbortController();
  readonly #listed = Promise.withResolvers<void>();
  readonly #refused = Promise.withResolvers<void>();
  /** Where the next watch begins; undefined: it is listed first. */
  #since: string | undefined;
  #retry_ms = RETRY_MIN_MS;

  constructor(world: ReflectorWorld, what: Reflected) {
    this.#world = world;
    this.#what = what;
    const { kind, namespace, fieldSelector, labelSelector } = what;
    const query = new URLSearchParams({
      ...(fieldSelector === undefined ? {} : { fieldSelector }),
      ...(labelSelector === undefined ? {} : { labelSelector }),
    });
    this.#path = query.size === 0 ? collectionPath(kind, namespace) : `${collectionPath(kind, namespace)}?${query}`;
    this.listed = this.#listed.promise;
    this.asked = Promise.race([this.listed, this.#refused.promise]);
    void this.#follow();
  }

  stop(): void {
    this.#over.abort();
    this.#refused.resolve();
  }

  async #follow(): Promise<void> {
    const { clock, log } = this.#world;
    while (!this.#over.signal.aborted) {
      const begun_ms = clock.monotonic_ms();
      try {
        if (this.#since === undefined) await this.#list();
        await this.#watch(this.#since ?? "0");
        // A server that is about to stop ends watches as soon as they begin.
        if (clock.monotonic_ms() - begun_ms < RETRY_MAX_MS) await this.#pause();
      } catch (error) {
        if (this.#over.signal.aborted) return;
        if (isGone(error)) this.#since = undefined;
        log.debug({ path: this.#path, error: String(error) }, "what a node follows cannot be read now; trying again");
        if (isRefusal(error)) this.#refused.resolve();
        await this.#pause();
      }
    }
  }

  async #list(): Promise<void> {
    const { client, objects } = this.#world;
    const { metadata, items } = await client.call<List & KubeObject>("GET", this.#path);
    if (this.#over.signal.aborted) return;
    const { kind, isPart = () => true } = this.#what;
    objects.replace(resourceOf(kind), new Map(items.map((item) => [this.#keyOf(item), item])), isPart);
    this.#since = metadata.resourceVersion;
    this.#listed.resolve();
  }

  async #watch(since: string): Promise<void> {
    const { client, objects } = this.#world;
    for await (const event of client.watch(this.#path, since, this.#over.signal)) {
      if (this.#over.signal.aborted) return;
      if (event.type === "ERROR") throw new StatusError(event.object);
      if (event.type === "DELETED") objects.remove(this.#keyOf(event.object));
      else if (event.type !== "BOOKMARK") objects.put(this.#keyOf(event.object), event.object);
      this.#since = event.object.metadata.resourceVersion;
      this.#retry_ms = RETRY_MIN_MS;
    }
  }

  #keyOf({ metadata }: KubeObject): Key {
    return keyFor(this.#what.kind, metadata.namespace, metadata.name);
  }

  #pause(): Promise<void> {
    const { clock, random } = this.#world;
    const ms = this.#retry_ms * (0.5 + random.next() / 2);
    this.#retry_ms = Math.min(this.#retry_ms * 2, RETRY_MAX_MS);
    return new Promise((resolve) => {
      const timer = clock.after(ms, resolve);
      this.#over.signal.addEventListener("abort", () => {
        timer.cancel();
        resolve();
      });
    });
  }
}

const isGone = (error: unknown): boolean => error instanceof StatusError && error.status.code === GONE;

const isRefusal = (error: unknown): boolean => error instanceof StatusError && [401, 403, 404].includes(error.status.code);
