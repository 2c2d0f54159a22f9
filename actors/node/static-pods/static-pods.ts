import { existsSync, type FSWatcher, watch } from "node:fs";
import { type Actor, type ActorKind, addressOf, type Context, keyOf, type Timer, unknownMessage } from "../../../runtime/mod.ts";
import { isMirrorOf, mayBeMirror } from "../../kinds/core/mirror-pod.ts";
import { PodKind } from "../../kinds/core/pod.ts";
import type { Node, Pod } from "../../kinds/generated/types.ts";
import { keyFor } from "../../kinds/kind.ts";
import { nodeNameOf } from "../../kinds/metadata-text.ts";
import { StatusError } from "../../kinds/status.ts";
import { encodeObject } from "../../kinds/text.ts";
import type { PodSync } from "../../pod/pod-order.ts";
import { NODE_OF_POD } from "../../registry/authors.ts";
import type { EventRecorder } from "../../registry/event-recorder.ts";
import type { ObjectWrites } from "../../registry/registry.ts";
import { timestamp } from "../../registry/timestamps.ts";
import type { Key } from "../../store/transaction.ts";
import type { Entry, ObjectView, Subscription } from "../../store/view.ts";
import type { PodObserved } from "../container-runtime.ts";
import type { CompanionMessage, NodeMessage, StaticPlaced } from "../messages.ts";
import { readManifests } from "./manifests.ts";
import { type MirrorStep, mirrorStep } from "./mirror-step.ts";

/**
 * The pods that one node runs by itself, address `static-pods/<node>`: those whose manifests lie in a directory. It promises that what lies there runs, whether or not
 * the API can be asked, that another content takes the place of the one before when that has ended, and that the API shows each by a mirror, which comes back
 * when somebody deletes it and goes with the file. Source: kubelet's file source, mirror client and tryReconcileMirrorPods (Kubernetes 1.34).
 */
export type StaticPodsMessage =
  | CompanionMessage
  /** From itself: the files, or what the API has of them, may be different. */
  | { readonly type: "look" }
  /** The actor of such a pod has ended, whyever. */
  | { readonly type: "ended"; readonly uid: string };

export const STATIC_PODS_KIND = "static-pods";

/** Source: kubelet's fileCheckFrequency; what happens to files is told, but not by every file system. */
const CHECK_MS = 20_000;
/** Before it tries again what the API would not have. */
const RETRY_MS = 1_000;
/** A file that is being written is not to be read in parts. */
const SETTLE_MS = 100;
const GRACE_DEFAULT_S = 30;
/** Its node may be asking the API meanwhile. */
const PLACE_DEADLINE_MS = 60_000;
const SEEN = "kubernetes.io/config.seen";

export interface StaticPodsOptions {
  /** A directory of manifests, or one; it need not be there. */
  readonly path: string;
  readonly view: ObjectView;
  readonly registry: ObjectWrites;
  readonly recorder: EventRecorder;
  /** What the node's runtime has of a pod, also of a life before this one. */
  readonly observe: (uid: string) => Promise<PodObserved>;
}

export function createStaticPodsKind(options: StaticPodsOptions): ActorKind<StaticPodsMessage> {
  return {
    kind: STATIC_PODS_KIND,
    mailboxCapacity: 1_024,
    supervision: { strategy: "restart", backoff_ms: 100, backoff_max_ms: 10_000 },
    activate: (context) => new StaticPods(context, options),
  };
}

interface Run {
  readonly key: Key;
  readonly pod: Pod;
  /** What its actor was told last. */
  told: PodSync | undefined;
  isEnding: boolean;
  /** Its actor knows that, and what it says from then on is not told it again: it may be gone by then. */
  isEndTold: boolean;
}

class StaticPods implements Actor<StaticPodsMessage> {
  readonly #context: Context<StaticPodsMessage>;
  readonly #options: StaticPodsOptions;
  readonly #node: string;
  /** By UID: of one name there is one that has not ended. */
  readonly #runs = new Map<string, Run>();
  /** What the API has of mirrors of this node. */
  readonly #mirrors = new Map<Key, Entry>();
  /** What has been told of files. */
  #troubles: ReadonlyMap<string, string> = new Map();
  readonly #mirrorChanges: Subscription;
  #watcher: FSWatcher | undefined;
  #nextCheck: Timer | undefined;
  #isWanted = false;

  constructor(context: Context<StaticPodsMessage>, options: StaticPodsOptions) {
    this.#context = context;
    this.#options = options;
    this.#node = keyOf(context.self);
    const { view } = options;
    this.#mirrorChanges = view.watch("pods", view.revision, ({ now, before }) => this.#podChanged(now, before));
    for (const entry of view.list("pods")) if (this.#isMirror(entry)) this.#mirrors.set(entry.key, entry);
    this.#want(0);
  }

  receive(message: StaticPodsMessage): void | Promise<void> {
    switch (message.type) {
      case "nodeBegins":
        // Its agent is new, and knows nothing of them.
        for (const run of this.#runs.values()) run.told = undefined;
        return this.#want(0);
      case "nodeGone":
        return this.#nodeGone();
      case "look":
        return this.#look();
      case "ended":
        return this.#ended(message.uid);
      default:
        unknownMessage(message);
    }
  }

  stopped(): void {
    this.#mirrorChanges.cancel();
    this.#listenNoMore();
  }

  #isMirror({ text }: Entry): boolean {
    return nodeNameOf(text) === this.#node && mayBeMirror(text);
  }

  #podChanged(now: Entry | undefined, before: Entry | undefined): void {
    const key = (now ?? before)?.key;
    if (key === undefined) return;
    const isMirror = now !== undefined && this.#isMirror(now);
    if (!isMirror && !this.#mirrors.has(key)) return;
    if (isMirror) this.#mirrors.set(key, now);
    else this.#mirrors.delete(key);
    this.#want(0);
  }

  #want(after_ms: number): void {
    if (after_ms > 0) {
      this.#context.after(after_ms, { type: "look" });
      return;
    }
    if (this.#isWanted) return;
    this.#isWanted = true;
    this.#context.tell<StaticPodsMessage>(this.#context.self, { type: "look" });
  }

  #nodeGone(): void {
    for (const uid of this.#runs.keys()) this.#context.tell(addressOf("pod", uid), { type: "gone" });
    this.#context.stop();
  }

  /** An actor that ends though its pod is to run has crashed. */
  #ended(uid: string): void {
    const run = this.#runs.get(uid);
    if (run === undefined) return;
    run.told = undefined;
    if (run.isEnding) {
      this.#runs.delete(uid);
      this.#tellNode({ type: "staticGone", uid });
    }
    this.#want(run.isEnding ? 0 : RETRY_MS);
  }

  async #look(): Promise<void> {
    this.#isWanted = false;
    this.#listen();
    this.#nextCheck?.cancel();
    this.#nextCheck = this.#context.after(this.#watcher === undefined ? RETRY_MS : CHECK_MS, { type: "look" });
    const { path } = this.#options;
    const { pods, troubles } = await readManifests(path, this.#node);
    this.#complain(troubles);
    const wanted = new Map(pods.map((pod) => [pod.metadata.uid, pod]));
    for (const [uid, run] of this.#runs) if (!wanted.has(uid)) run.isEnding = true;
    for (const pod of pods) this.#begin(pod);
    for (const run of this.#runs.values()) await this.#tell(run).catch((error: unknown) => this.#failed(run.key, error));
    for (const key of new Set([...this.#mirrors.keys(), ...[...this.#runs.values()].map((run) => run.key)])) await this.#mirror(key);
  }

  #begin(pod: Pod): void {
    const { uid, namespace, name, annotations } = pod.metadata;
    const key = keyFor(PodKind, namespace, name);
    // It waits until the one before has ended.
    if (this.#runs.has(uid) || [...this.#runs.values()].some((run) => run.key === key)) return;
    const seen = { ...annotations, [SEEN]: timestamp(this.#context.clock.now_ms()) };
    const run: Run = {
      key,
      pod: { ...pod, metadata: { ...pod.metadata, annotations: seen } },
      told: undefined,
      isEnding: false,
      isEndTold: false,
    };
    this.#runs.set(uid, run);
  }

  /** What its actor is to know: the manifest, with what the API shows of its status. */
  async #tell(run: Run): Promise<void> {
    if (run.isEndTold && run.told !== undefined) return;
    const { uid } = run.pod.metadata;
    const mirror = this.#mirrors.get(run.key);
    const shown = mirror === undefined ? undefined : this.#options.view.decode<Pod>(mirror);
    const isOwn = shown !== undefined && isMirrorOf(shown, uid);
    const status = isOwn ? shown.status : undefined;
    const pod = run.isEnding ? this.#ending(run.pod) : run.pod;
    const text = encodeObject(status === undefined ? pod : { ...pod, status });
    if (run.told?.entry.text === text) return;
    const before = run.told;
    const entry: Entry = { key: run.key, revision: mirror?.revision ?? 0, text };
    const placed = before ?? (await this.#place(entry, uid, status?.podIP));
    if (placed === null) {
      this.#want(RETRY_MS);
      return;
    }
    const { allocation } = placed;
    const sync: PodSync = { type: "sync", entry, place: placed.place, isStatic: true, ...(allocation === undefined ? {} : { allocation }) };
    if (before === undefined) this.#context.watch(addressOf("pod", uid), { type: "ended", uid });
    run.told = sync;
    run.isEndTold = run.isEnding;
    this.#context.tell(addressOf("pod", uid), sync);
  }

  #ending(pod: Pod): Pod {
    const { terminationGracePeriodSeconds: grace = GRACE_DEFAULT_S } = pod.spec;
    // As long as it takes: when it began is of no consequence.
    return {
      ...pod,
      metadata: { ...pod.metadata, deletionTimestamp: pod.metadata.annotations?.[SEEN] ?? "", deletionGracePeriodSeconds: grace },
    };
  }

  async #place(entry: Entry, uid: string, shown: string | undefined): Promise<StaticPlaced | null> {
    const { sandboxes } = await this.#options.observe(uid);
    const address = sandboxes[0]?.ready === true ? sandboxes[0].address : shown;
    const message: NodeMessage = { type: "placeStatic", entry, address };
    return this.#context.ask<StaticPlaced | null>(addressOf("node", this.#node), message, { deadline_ms: PLACE_DEADLINE_MS });
  }

  async #mirror(key: Key): Promise<void> {
    const { view, registry } = this.#options;
    const run = [...this.#runs.values()].find((each) => each.key === key);
    const entry = this.#mirrors.get(key);
    const mirror = entry === undefined ? undefined : view.decode<Pod>(entry);
    const node = view.get<Node>(`nodes/${this.#node}`);
    const step: MirrorStep = mirrorStep(run?.pod, run?.isEnding ?? false, mirror, node);
    try {
      if (step.remove !== undefined) {
        const { namespace, name, uid } = step.remove.metadata;
        await registry.delete(PodKind, namespace, name, { author: NODE_OF_POD, gracePeriodSeconds: 0, preconditions: { uid } });
        this.#mirrors.delete(key);
      }
      if (step.create !== undefined) await registry.create(PodKind, step.create, { author: NODE_OF_POD, fieldManager: "kubelet" });
    } catch (error) {
      if (error instanceof StatusError && error.status.code === 404 && step.remove !== undefined) return;
      this.#failed(key, error);
    }
    // It is made as soon as there is a Node that it can be of.
    if (run !== undefined && !run.isEnding && node === undefined) this.#want(RETRY_MS);
  }

  #failed(key: Key, error: unknown): void {
    this.#context.log.warn({ error: String(error), pod: key }, "a step of a static pod's life went wrong; trying again");
    this.#want(RETRY_MS);
  }

  #complain(troubles: ReadonlyMap<string, string>): void {
    const node = this.#options.view.get<Node>(`nodes/${this.#node}`);
    for (const [file, why] of troubles) {
      if (this.#troubles.get(file) === why) continue;
      this.#context.log.warn({ file, error: why }, "a manifest of a static pod cannot be used");
      if (node === undefined) continue;
      const message = `Could not process manifest file ${JSON.stringify(file)}: ${why}`;
      this.#options.recorder.event({ kind: "Node", apiVersion: "v1", metadata: node.metadata }, "Warning", "InvalidStaticPod", message);
    }
    // Whom nobody could be told of yet is told of when there is a Node.
    if (node !== undefined || troubles.size === 0) this.#troubles = troubles;
  }

  /** Where the file system tells of changes, they are seen at once; everywhere, after a while. */
  #listen(): void {
    const { path } = this.#options;
    if (!existsSync(path)) this.#listenNoMore();
    if (this.#watcher !== undefined) return;
    try {
      this.#watcher = watch(path, () => this.#want(SETTLE_MS)).on("error", () => this.#listenNoMore());
    } catch {
      // It is not there yet.
    }
  }

  #listenNoMore(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
  }

  #tellNode(message: NodeMessage): void {
    this.#context.tell(addressOf("node", this.#node), message);
  }
}
