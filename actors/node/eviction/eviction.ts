import { type Actor, type ActorKind, addressOf, type Context, keyOf, unknownMessage } from "../../../runtime/mod.ts";
import { isMirrorPod } from "../../kinds/core/mirror-pod.ts";
import type { Node, Pod } from "../../kinds/generated/types.ts";
import type { PodEviction } from "../../pod/pod-order.ts";
import { podsByNode } from "../../pod/pods-by-node.ts";
import type { EventRecorder } from "../../registry/event-recorder.ts";
import type { ObjectView } from "../../store/view.ts";
import { isCritical, type Pressure } from "../allocation/pod-admission.ts";
import type { CompanionMessage, NodeMessage } from "../messages.ts";
import { type Disks, evictionMessage, type PodStats, rankedFor } from "./ranking.ts";
import { hasStorageLimit, overStorageLimit } from "./storage-limits.ts";
import {
  CALM,
  type EvictionSettings,
  look,
  type Observations,
  type PressureState,
  STARVED,
  type Threshold,
  thresholdsMet,
} from "./thresholds.ts";

/**
 * Watches over what one node has left, address `eviction/<node>`. It promises that the node says of what it has too little, that what nobody uses any more is cleared
 * away before anybody has to go, that at most one pod goes at a time, the one that takes most beyond what it asked for first, and that pods which take more
 * of the disk than they may go. Source: kubelet's eviction manager (Kubernetes 1.34).
 */
export type EvictionMessage =
  | CompanionMessage
  /** From itself: the time to look has come. */
  | { readonly type: "monitor" };

export const EVICTION_KIND = "eviction";

/** What the machine says of itself and of its pods. */
export interface NodeStats {
  readonly disks: Disks;
  observe(): Promise<Observations>;
  /** `disks`: what they take of those, too, which is long to find out. */
  stats(pod: Pod, disks: boolean): Promise<PodStats | undefined>;
  /** Clears away what has ended and images that nobody uses. */
  reclaim(): Promise<void>;
  /** Whether nothing is left of a pod. */
  isGone(uid: string): Promise<boolean>;
}

export interface EvictionOptions {
  readonly view: ObjectView;
  readonly recorder: EventRecorder;
  readonly stats: NodeStats;
  readonly settings: EvictionSettings;
}

/** Source: kubelet's evictionMonitoringInterval, podCleanupPollFreq, podCleanupTimeout and immediateEvictionGracePeriodSeconds. */
const MONITOR_MS = 10_000;
const CLEANUP_POLL_MS = 1_250;
const CLEANUP_MS = 30_000;
const AT_ONCE_S = 1;

export function createEvictionKind(options: EvictionOptions): ActorKind<EvictionMessage> {
  return {
    kind: EVICTION_KIND,
    mailboxCapacity: 64,
    supervision: { strategy: "restart", backoff_ms: 1_000, backoff_max_ms: 60_000 },
    activate: (context) => new Eviction(context, options),
  };
}

class Eviction implements Actor<EvictionMessage> {
  readonly #context: Context<EvictionMessage>;
  readonly #options: EvictionOptions;
  readonly #node: string;
  #state: PressureState = CALM;
  /** What the node has been told. */
  #told: readonly Pressure[] = [];
  /** Pods that are on their way out, and until when they are waited for. */
  #leaving: { readonly uids: readonly string[]; readonly until_ms: number } | undefined;

  constructor(context: Context<EvictionMessage>, options: EvictionOptions) {
    this.#context = context;
    this.#options = options;
    this.#node = keyOf(context.self);
    options.view.index(podsByNode);
    context.tell<EvictionMessage>(context.self, { type: "monitor" });
  }

  async receive(message: EvictionMessage): Promise<void> {
    switch (message.type) {
      case "nodeBegins":
        // Its agent is new.
        this.#tellNode(this.#told);
        return;
      case "nodeGone":
        this.#context.stop();
        return;
      case "monitor":
        this.#context.after(await this.#monitor(), { type: "monitor" });
        return;
      default:
        unknownMessage(message);
    }
  }

  /** How long until the next time. */
  async #monitor(): Promise<number> {
    try {
      if (await this.#isLeaving()) return CLEANUP_POLL_MS;
      const uids = await this.#synchronize();
      if (uids.length === 0) return MONITOR_MS;
      this.#leaving = { uids, until_ms: this.#context.clock.now_ms() + CLEANUP_MS };
      return CLEANUP_POLL_MS;
    } catch (error) {
      this.#context.log.warn({ error: String(error) }, "what the node has left could not be told; trying again");
      return MONITOR_MS;
    }
  }

  /** What they give back is waited for before another one has to go. */
  async #isLeaving(): Promise<boolean> {
    const leaving = this.#leaving;
    if (leaving === undefined) return false;
    const gone = await Promise.all(leaving.uids.map((uid) => this.#options.stats.isGone(uid)));
    if (gone.every((each) => each) || this.#context.clock.now_ms() >= leaving.until_ms) this.#leaving = undefined;
    return this.#leaving !== undefined;
  }

  /** Resolves with the UIDs of those who have to go. */
  async #synchronize(): Promise<readonly string[]> {
    const { settings, stats } = this.#options;
    const observed = await stats.observe();
    const { state, pressures } = look(this.#state, settings, observed, this.#context.clock.now_ms());
    this.#state = state;
    if (String(pressures) !== String(this.#told)) this.#tellNode(pressures);
    const pods = this.#activePods();
    const excessive = await this.#excessive(pods);
    if (excessive.length > 0) return excessive;
    const [first] = state.due;
    if (first === undefined) return [];
    return this.#relieve(first, pods, observed);
  }

  #tellNode(pressures: readonly Pressure[]): void {
    this.#told = pressures;
    this.#context.tell<NodeMessage>(addressOf("node", this.#node), { type: "pressure", pressures });
  }

  #activePods(): readonly Pod[] {
    const { view } = this.#options;
    return view
      .byIndex(podsByNode.name, this.#node)
      .map((entry) => view.decode<Pod>(entry))
      .filter(({ status }) => status?.phase === "Running" || (status?.phase === "Pending" && status.startTime !== undefined));
  }

  /** Source: localStorageEviction; volumes have limits of their own, which who brings them sees to. */
  async #excessive(pods: readonly Pod[]): Promise<readonly string[]> {
    const evicted: string[] = [];
    for (const pod of pods.filter((each) => hasStorageLimit(each) && !isKept(each))) {
      const used = await this.#options.stats.stats(pod, true);
      const message = used === undefined ? undefined : overStorageLimit(pod, used, this.#options.stats.disks);
      if (message !== undefined) evicted.push(this.#evict(pod, { message, grace_s: AT_ONCE_S, isDisruption: false }));
    }
    return evicted;
  }

  async #relieve(first: Threshold, pods: readonly Pod[], observed: Observations): Promise<readonly string[]> {
    const { view, recorder, stats, settings } = this.#options;
    const starved = STARVED[first.signal];
    const node = view.get<Node>(`nodes/${this.#node}`);
    if (node !== undefined) {
      const about = { kind: "Node", apiVersion: "v1", metadata: node.metadata };
      recorder.event(about, "Warning", "EvictionThresholdMet", `Attempting to reclaim ${starved}`);
    }
    const isOfDisk = starved === "ephemeral-storage" || starved === "inodes";
    if (isOfDisk && (await this.#isCleared(first))) return [];
    const known = new Map<string, PodStats | undefined>();
    for (const pod of pods) known.set(pod.metadata.uid, await stats.stats(pod, isOfDisk));
    const statsOf = (pod: Pod): PodStats | undefined => known.get(pod.metadata.uid);
    const [victim] = rankedFor(first.signal, pods, statsOf, stats.disks).filter((pod) => !isKept(pod));
    if (victim === undefined) {
      this.#context.log.warn({ node: this.#node, resource: starved }, "the node has too little left, and no pod that it could evict");
      return [];
    }
    const message = evictionMessage(victim, statsOf(victim), { starved, due: this.#state.due, observed });
    const own_s = victim.spec.terminationGracePeriodSeconds ?? settings.softGrace_s;
    const grace_s = first.grace_ms === 0 ? AT_ONCE_S : Math.min(settings.softGrace_s, own_s);
    return [this.#evict(victim, { message, grace_s, isDisruption: true })];
  }

  /** Where images lie apart, those do not help the disk of all else. Source: buildSignalToNodeReclaimFuncs. */
  async #isCleared({ signal }: Threshold): Promise<boolean> {
    const { stats, settings } = this.#options;
    if (stats.disks === "images apart" && signal.startsWith("nodefs")) return false;
    await stats.reclaim();
    return thresholdsMet(settings.thresholds, await stats.observe(), true).length === 0;
  }

  #evict({ metadata: { uid } }: Pod, order: Omit<PodEviction, "type">): string {
    this.#context.tell<PodEviction>(addressOf("pod", uid), { type: "evict", ...order });
    return uid;
  }
}

/** Pods of the node's own and those that the cluster cannot do without stay. */
function isKept(pod: Pod): boolean {
  return isCritical(pod, isMirrorPod(pod));
}
