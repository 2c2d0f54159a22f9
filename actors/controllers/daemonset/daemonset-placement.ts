import { type NodeFacts, type PodFacts as PlacementFacts, selects, toleratesAny } from "../../../scheduler-core/mod.ts";
import type { Affinity, DaemonSet, Node, Pod, PodSpec, PodTemplateSpec, Toleration } from "../../kinds/generated/types.ts";
import { readNode, readPod } from "../../scheduler/facts.ts";
import { Finding } from "../../store/finding.ts";
import type { Entry, View } from "../../store/view.ts";

const NODES = "nodes";
const nodeFacts = new Finding((entry, view: View): NodeFacts => readNode(view.decode<Node>(entry)).facts);

/** Whether a node's pod is wanted, and whether one that is there may stay. */
export interface Placement {
  readonly node: string;
  readonly shouldRun: boolean;
  readonly mayStay: boolean;
}

/** What a set wants of the nodes, for as long as its template is this one. */
interface Known {
  readonly template: string;
  readonly judge: (node: NodeFacts) => Placement;
  /** The nodes that were asked about last, in the order of their keys, and the answers. */
  nodes: readonly Entry[];
  placements: readonly Placement[];
}

/**
 * What sets want of each node, remembered for as long as their templates and the nodes are as they were: every round asks about all nodes, few of which have
 * changed since the last. A set that is gone is to be forgotten. Source: NodeShouldRunDaemonPod.
 */
export class Placements {
  readonly #known = new Map<string, Known>();

  of(view: View, key: string, set: DaemonSet): readonly Placement[] {
    const known = this.#knownOf(key, set);
    const { nodes: before, placements } = known;
    const nodes = view.list(NODES);
    if (nodes === before) return placements;
    let at = 0;
    known.placements = nodes.map((entry) => {
      for (let other = before[at]; other !== undefined && other !== entry && other.key < entry.key; other = before[at]) at++;
      const placement = before[at] === entry ? placements[at] : undefined;
      return placement ?? known.judge(nodeFacts.of(entry, view));
    });
    known.nodes = nodes;
    return known.placements;
  }

  /** Of this node alone. */
  on(view: View, key: string, set: DaemonSet, node: Entry): Placement {
    return this.#knownOf(key, set).judge(nodeFacts.of(node, view));
  }

  forget(key: string): void {
    this.#known.delete(key);
  }

  #knownOf(key: string, set: DaemonSet): Known {
    const template = `${set.metadata.uid}/${set.metadata.generation}`;
    let known = this.#known.get(key);
    if (known?.template !== template) {
      known = { template, judge: judgeOf(set), nodes: [], placements: [] };
      this.#known.set(key, known);
    }
    return known;
  }
}

function judgeOf(set: DaemonSet): (node: NodeFacts) => Placement {
  const { spec } = tolerating(set.spec.template);
  const pod = readPod({ metadata: {}, spec } as Pod, false);
  return (node) => placementOn(node, spec.nodeName, pod);
}

function placementOn(node: NodeFacts, nodeName: string | undefined, pod: PlacementFacts): Placement {
  const fits = (nodeName === undefined || nodeName === "" || nodeName === node.name) && selects(pod, node);
  const repelling = node.taints.filter((taint) => taint.effect !== "PreferNoSchedule" && !toleratesAny(pod.tolerations, taint));
  return {
    node: node.name,
    shouldRun: fits && repelling.length === 0,
    mayStay: fits && repelling.every(({ effect }) => effect !== "NoExecute"),
  };
}

/** Whether a change of a node can change what any set wants of it. */
export function concernsPlacement(view: View, now: Entry | undefined, before: Entry | undefined): boolean {
  if (now === undefined || before === undefined) return true;
  const [a, b] = [nodeFacts.of(now, view), nodeFacts.of(before, view)];
  return JSON.stringify([a.labels, a.taints]) !== JSON.stringify([b.labels, b.taints]);
}

/** Taints that daemons live with. Source: AddOrUpdateDaemonPodTolerations. */
const TOLERATED: readonly Toleration[] = [
  { key: "node.kubernetes.io/not-ready", operator: "Exists", effect: "NoExecute" },
  { key: "node.kubernetes.io/unreachable", operator: "Exists", effect: "NoExecute" },
  { key: "node.kubernetes.io/disk-pressure", operator: "Exists", effect: "NoSchedule" },
  { key: "node.kubernetes.io/memory-pressure", operator: "Exists", effect: "NoSchedule" },
  { key: "node.kubernetes.io/pid-pressure", operator: "Exists", effect: "NoSchedule" },
  { key: "node.kubernetes.io/unschedulable", operator: "Exists", effect: "NoSchedule" },
];
const NETWORK_UNAVAILABLE: Toleration = { key: "node.kubernetes.io/network-unavailable", operator: "Exists", effect: "NoSchedule" };

function isSame(a: Toleration, b: Toleration): boolean {
  return a.key === b.key && a.operator === b.operator && a.effect === b.effect && (a.value ?? "") === (b.value ?? "");
}

/** The template with the tolerations that every daemon has; one that it has itself stays in its place, for ever. Source: AddOrUpdateTolerationInPodSpec. */
export function tolerating(template: PodTemplateSpec): PodTemplateSpec {
  const wanted = template.spec.hostNetwork === true ? [...TOLERATED, NETWORK_UNAVAILABLE] : TOLERATED;
  const own = (template.spec.tolerations ?? []).map((one) => wanted.find((other) => isSame(one, other)) ?? one);
  const others = wanted.filter((one) => !own.includes(one));
  return { ...template, spec: { ...template.spec, tolerations: [...own, ...others] } };
}

/** The pod's affinity with this node as the only one. Source: ReplaceDaemonSetPodNodeNameNodeAffinity. */
export function pinnedTo(spec: PodSpec, node: string): PodSpec {
  const affinity: Affinity = {
    ...spec.affinity,
    nodeAffinity: {
      ...spec.affinity?.nodeAffinity,
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchFields: [{ key: "metadata.name", operator: "In", values: [node] }] }],
      },
    },
  };
  return { ...spec, affinity };
}
