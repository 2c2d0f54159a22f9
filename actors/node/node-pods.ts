import type { Address, Context } from "../../runtime/mod.ts";
import { addressOf } from "../../runtime/mod.ts";
import { mayBeMirror } from "../kinds/core/mirror-pod.ts";
import type { Pod } from "../kinds/generated/types.ts";
import { decodeMetadata } from "../kinds/metadata-text.ts";
import { decodeObject } from "../kinds/text.ts";
import type { PodOrder, PodSync } from "../pod/pod-order.ts";
import type { Key } from "../store/transaction.ts";
import type { Entry, ObjectView } from "../store/view.ts";
import type { Allocations, Reallocated } from "./allocation/allocations.ts";
import type { NodeMessage, Play, PodHere, StaticPlaced } from "./messages.ts";
import { hasAddress, PodPlaces } from "./pod-places.ts";

/** Before an actor of a pod that has ended is made again. */
const RETRY_MS = 1_000;

export interface NodePodsWorld {
  readonly view: ObjectView;
  readonly context: Pick<Context<NodeMessage>, "tell" | "watch" | "after">;
  /** Where pods really run: what they have been granted. Hollow ones are granted what they ask for. */
  readonly allocations: Allocations | undefined;
  /** The node's address; undefined until it has registered. */
  hostIP(): string | undefined;
  isSilent(): boolean;
}

const podAddressOf = (uid: string): Address => addressOf("pod", uid);

/** The pods of one node and their actors, which it gives their addresses and tells what the API says of them. It promises that a pod bound to the node has an actor. */
export class NodePods {
  readonly #world: NodePodsWorld;
  /**
   * Until all pods of the node have been told of, those that have no address yet wait, in the order in which they came: one that is told of later
   * may have it already.
   */
  #waiting: Map<Key, Entry> | undefined = new Map();
  /** The pods that have an actor. */
  readonly #places = new PodPlaces();
  /** Pods of the API that only show what the node runs by itself. */
  readonly #mirrors = new Set<Key>();

  constructor(world: NodePodsWorld) {
    this.#world = world;
  }

  /** Those that have an actor. */
  get here(): ReadonlyMap<Key, PodHere> {
    return this.#places.pods;
  }

  /** Those of which there may be something to say: its own, and those that show what it runs by itself. */
  get all(): Iterable<Key> {
    return [...this.here.keys(), ...this.#mirrors];
  }

  has(key: Key): boolean {
    return this.here.has(key) || this.#mirrors.has(key);
  }

  /** `cidr`: the range from which they have their addresses. */
  use(cidr: string): void {
    this.#places.use(cidr);
  }

  /** Pods that had their addresses from the agent before. */
  takeOver(pods: NonNullable<Play["pods"]>): void {
    for (const { key, uid, place } of pods) {
      this.#places.adopt(key, { uid, place });
      this.#watch(key, uid);
    }
  }

  changed(entry: Entry): void {
    const { hostIP, allocations } = this.#world;
    const address = hostIP();
    // Not yet registered: the fleet tells of all pods when it is.
    if (address === undefined) return;
    if (allocations !== undefined && mayBeMirror(entry.text)) {
      if (!this.#mirrors.has(entry.key)) this.#places.hold(decodeObject<Pod>(entry.text, entry.revision).status?.podIP ?? "");
      this.#mirrors.add(entry.key);
      return;
    }
    if (this.#waiting !== undefined && !hasAddress(entry)) {
      this.#waiting.set(entry.key, entry);
      return;
    }
    this.#waiting?.delete(entry.key);
    const { here, isNew } = this.#places.see(entry, address);
    if (isNew) this.#watch(entry.key, here.uid);
    const others = allocations?.see(decodeObject<Pod>(entry.text, entry.revision));
    this.#sync(entry, here);
    if (others !== undefined) this.#syncOthers(others, here.uid);
  }

  /** All have been told of now: these, and no others. Some may have gone while nobody told of it. */
  told(keys: ReadonlySet<Key>): void {
    for (const key of this.here.keys()) if (!keys.has(key)) this.gone(key);
    const waiting = this.#waiting;
    this.#waiting = undefined;
    for (const entry of waiting?.values() ?? []) this.changed(entry);
    this.#syncOthers(this.#world.allocations?.complete() ?? new Set());
  }

  gone(key: Key): void {
    this.#waiting?.delete(key);
    this.#mirrors.delete(key);
    const here = this.#places.gone(key);
    if (here === undefined) return;
    this.#tell(here.uid, { type: "gone" });
    this.#syncOthers(this.#world.allocations?.gone(here.uid) ?? new Set());
  }

  /** An actor that ends while its pod is here has crashed, or its host has gone. */
  ended(key: Key, uid: string): void {
    if (this.here.get(key)?.uid === uid) this.#world.context.after(RETRY_MS, { type: "podAgain", key, uid });
  }

  again(key: Key, uid: string): void {
    const here = this.here.get(key);
    const entry = this.#world.view.entry(key);
    if (here?.uid !== uid || entry === undefined || decodeMetadata(entry.text).uid !== uid) return;
    this.#watch(key, uid);
    this.#sync(entry, here);
  }

  /** A pod that the node runs by itself. `address`: what it has already, of a life before this one. Undefined until there is a range from which it could have one. */
  placeStatic(entry: Entry, address: string | undefined, hostIP: string): StaticPlaced | undefined {
    const pod = decodeObject<Pod>(entry.text, entry.revision);
    const place = this.#places.placeStatic(pod, address, hostIP);
    if (place === undefined) return undefined;
    const { allocations } = this.#world;
    allocations?.see(pod, true);
    const allocation = allocations?.of(pod.metadata.uid);
    return allocation === undefined ? { place } : { place, allocation };
  }

  staticGone(uid: string): void {
    this.#places.staticGone(uid);
    this.#syncOthers(this.#world.allocations?.gone(uid) ?? new Set());
  }

  /** What was told may have been lost on the way to a pod's actor on another host. What its pod says it knows already. */
  tellAgain(): void {
    for (const [key, here] of this.here) this.#syncKnown(key, here);
  }

  tellAll(order: PodOrder): void {
    for (const { uid } of this.here.values()) this.#tell(uid, order);
  }

  #sync(entry: Entry, { uid, place }: PodHere): void {
    const allocation = this.#world.allocations?.of(uid);
    const sync: PodSync = { type: "sync", entry, place, silent: this.#world.isSilent() };
    this.#tell(uid, allocation === undefined ? sync : { ...sync, allocation });
  }

  /** What has been granted to them is new. */
  #syncOthers(uids: Reallocated, but?: string): void {
    for (const [key, here] of uids.size === 0 ? [] : this.here) if (uids.has(here.uid) && here.uid !== but) this.#syncKnown(key, here);
  }

  #syncKnown(key: Key, here: PodHere): void {
    const entry = this.#world.view.entry(key);
    if (entry?.text.includes(here.uid) === true) this.#sync(entry, here);
  }

  #watch(key: Key, uid: string): void {
    this.#world.context.watch(podAddressOf(uid), { type: "podEnded", key, uid });
  }

  #tell(uid: string, message: PodOrder): void {
    this.#world.context.tell(podAddressOf(uid), message);
  }
}
