import type { Pod } from "../../kinds/generated/types.ts";
import { pinOf } from "../../scheduler/facts.ts";
import { Finding } from "../../store/finding.ts";
import type { Entry, View } from "../../store/view.ts";
import { controllerOf } from "../ownership.ts";
import { Siblings } from "./siblings.ts";

/** What controllers ask of pods, worked out once per state of a pod and kept for as long as that state is. */
export interface PodFacts {
  readonly entry: Entry;
  readonly name: string;
  readonly uid: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly controllerUid: string | undefined;
  readonly created_ms: number;
  /** "" when it is not bound. */
  readonly nodeName: string;
  /** The node that it is bound to, or the only one that its affinity names; "" when there is none. */
  readonly targetNode: string;
  readonly phase: string;
  /** It has a deletionTimestamp. */
  readonly deleting: boolean;
  /** Neither finished nor being deleted. Source: controller.IsPodActive. */
  readonly active: boolean;
  readonly ready: boolean;
  /** When Ready last changed; 0 when never. */
  readonly readySince_ms: number;
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
}

const NO_LABELS: Readonly<Record<string, string>> = {};
const DELETION_COST = "controller.kubernetes.io/pod-deletion-cost";

const siblings = new Siblings();
const podFacts = new Finding((entry, view: View) => work(view.decode<Pod>(entry), entry));

/** The facts of the pod that this entry holds. An entry never changes, so they hold for as long as somebody has the entry. */
export function factsOf(view: View, entry: Entry): PodFacts {
  return podFacts.of(entry, view);
}

function work(pod: Pod, entry: Entry): PodFacts {
  const { metadata, spec, status } = pod;
  const phase = status?.phase ?? "Pending";
  const deleting = metadata.deletionTimestamp !== undefined;
  const ready = status?.conditions?.find(({ type }) => type === "Ready");
  const [ip = status?.podIP ?? "", secondIp = ""] = status?.podIPs?.map((one) => one.ip) ?? [];
  const { labels, controllerUid } = originOf(pod);
  return {
    entry,
    name: metadata.name,
    uid: metadata.uid,
    labels,
    controllerUid,
    created_ms: Date.parse(metadata.creationTimestamp),
    nodeName: spec.nodeName ?? "",
    targetNode: spec.nodeName || (pinOf(pod) ?? ""),
    phase,
    deleting,
    active: !deleting && phase !== "Succeeded" && phase !== "Failed",
    ready: ready?.status === "True",
    readySince_ms: ready?.lastTransitionTime === undefined ? 0 : Date.parse(ready.lastTransitionTime),
    ip,
    secondIp,
    hostname:
      spec.hostname === undefined || spec.subdomain === undefined ? undefined : { hostname: spec.hostname, subdomain: spec.subdomain },
    restarts: Math.max(0, ...(status?.containerStatuses ?? []).map(({ restartCount }) => restartCount)),
    deletionCost: Number.parseInt(metadata.annotations?.[DELETION_COST] ?? "0", 10) || 0,
  };
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
