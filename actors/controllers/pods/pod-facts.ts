import type { Pod } from "../../kinds/generated/types.ts";
import { pinOf } from "../../scheduler/facts.ts";
import { Finding } from "../../store/finding.ts";
import { nameOfKey } from "../../store/resource-table.ts";
import type { Entry, View } from "../../store/view.ts";
import { controllerOf } from "../ownership.ts";
import { Siblings } from "./siblings.ts";

const NO_LABELS: Readonly<Record<string, string>> = {};
const DELETION_COST = "controller.kubernetes.io/pod-deletion-cost";

const siblings = new Siblings();

/**
 * What controllers ask of pods, worked out once per state of a pod and kept for as long as that state is. There is one for each pod, and all of them are marked when the heap is
 * collected: what its entry says is not kept again, and seconds are no objects, as milliseconds would be.
 */
export class PodFacts {
  readonly entry: Entry;
  readonly uid: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly controllerUid: string | undefined;
  /** "" when it is not bound. */
  readonly nodeName: string;
  /** The node that it is bound to, or the only one that its affinity names; "" when there is none. */
  readonly targetNode: string;
  readonly phase: string;
  /** It has a deletionTimestamp. */
  readonly deleting: boolean;
  readonly ready: boolean;
  /** "" when it has none yet. */
  readonly ip: string;
  /** The one of the other family; "" when it has none. */
  readonly secondIp: string;
  /** The name it wants under its subdomain, a headless service. */
  readonly hostname: { readonly hostname: string; readonly subdomain: string } | undefined;
  /** Restarts of the container that restarted most. */
  readonly restarts: number;
  /** The annotation `controller.kubernetes.io/pod-deletion-cost`. */
  readonly deletionCost: number;
  readonly #created_s: number;
  readonly #readySince_s: number;

  constructor(pod: Pod, entry: Entry) {
    const { metadata, spec, status } = pod;
    const { labels, controllerUid } = originOf(pod);
    const ready = status?.conditions?.find(({ type }) => type === "Ready");
    const [ip = status?.podIP ?? "", secondIp = ""] = status?.podIPs?.map((one) => one.ip) ?? [];
    this.entry = entry;
    this.uid = metadata.uid;
    this.labels = labels;
    this.controllerUid = controllerUid;
    this.nodeName = spec.nodeName ?? "";
    this.targetNode = spec.nodeName || (pinOf(pod) ?? "");
    this.phase = status?.phase ?? "Pending";
    this.deleting = metadata.deletionTimestamp !== undefined;
    this.ready = ready?.status === "True";
    this.ip = ip;
    this.secondIp = secondIp;
    this.hostname =
      spec.hostname === undefined || spec.subdomain === undefined ? undefined : { hostname: spec.hostname, subdomain: spec.subdomain };
    this.restarts = Math.max(0, ...(status?.containerStatuses ?? []).map(({ restartCount }) => restartCount));
    this.deletionCost = Number.parseInt(metadata.annotations?.[DELETION_COST] ?? "0", 10) || 0;
    this.#created_s = Date.parse(metadata.creationTimestamp) / 1000;
    this.#readySince_s = ready?.lastTransitionTime === undefined ? 0 : Date.parse(ready.lastTransitionTime) / 1000;
  }

  get name(): string {
    return nameOfKey(this.entry.key);
  }

  get created_ms(): number {
    return this.#created_s * 1000;
  }

  /** When Ready last changed; 0 when never. */
  get readySince_ms(): number {
    return this.#readySince_s * 1000;
  }

  /** Neither finished nor being deleted. Source: controller.IsPodActive. */
  get active(): boolean {
    return !this.deleting && this.phase !== "Succeeded" && this.phase !== "Failed";
  }
}

const podFacts = new Finding((entry, view: View) => new PodFacts(view.decode<Pod>(entry), entry));

/** The facts of the pod that this entry holds. An entry never changes, so they hold for as long as somebody has the entry. */
export function factsOf(view: View, entry: Entry): PodFacts {
  return podFacts.of(entry, view);
}

function originOf(pod: Pod): Pick<PodFacts, "labels" | "controllerUid"> {
  const { labels = NO_LABELS } = pod.metadata;
  const controllerUid = controllerOf(pod)?.uid;
  return controllerUid === undefined ? { labels, controllerUid } : siblings.shared({ labels, controllerUid });
}

/** Ready, and for at least `minReadySeconds`. Source: podutil.IsPodAvailable. */
export function isAvailable(facts: PodFacts, minReadySeconds: number, now_ms: number): boolean {
  if (!facts.ready) return false;
  return minReadySeconds === 0 || (facts.readySince_ms > 0 && facts.readySince_ms + minReadySeconds * 1000 <= now_ms);
}
