import type {
  DiskUse,
  NodeFacts,
  NodeSelectorTerm,
  PodFacts,
  Requirement,
  SelectorOperator,
  TaintEffect,
  VolumeFacts,
} from "../../scheduler-core/mod.ts";
import type * as api from "../kinds/generated/types.ts";
import { lentBy } from "./overcommit.ts";
import { type Amounts, amountsOf } from "./resource-needs.ts";

/** What the scheduler takes from a Node object; everything else of it may change unseen. */
export interface NodeReading {
  readonly facts: NodeFacts;
  readonly allocatable: Amounts;
}

export function readNode(node: api.Node): NodeReading {
  return {
    facts: {
      name: node.metadata.name,
      unschedulable: node.spec?.unschedulable === true,
      labels: node.metadata.labels ?? {},
      taints: (node.spec?.taints ?? []).map(({ key, value = "", effect }) => ({ key, value, effect: effect as TaintEffect })),
      images: (node.status?.images ?? []).flatMap(({ names = [], sizeBytes = 0 }) =>
        names.map((name) => ({ name, size_bytes: sizeBytes })),
      ),
    },
    allocatable: { ...amountsOf(node.status?.allocatable), ...lentBy(node) },
  };
}

/**
 * The only nodes that a pod's required affinity can mean: those that every one of its terms names. Undefined: some term names none. An
 * empty set: its terms contradict each other. Source: NodeAffinity's PreFilter.
 */
export function namedNodes(pod: api.Pod): ReadonlySet<string> | undefined {
  const terms = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  if (terms.length === 0) return undefined;
  const names = new Set<string>();
  for (const { matchFields = [] } of terms) {
    const lists = matchFields.flatMap(({ key, operator, values = [] }) => (key === "metadata.name" && operator === "In" ? [values] : []));
    const [first, ...others] = lists;
    if (first === undefined) return undefined;
    for (const name of first) if (others.every((list) => list.includes(name))) names.add(name);
  }
  return names;
}

/** The static facts of a pod. `pinned`: its required node affinity says no more than which node, and that is handled apart. */
export function readPod(pod: api.Pod, pinned: boolean, volumes?: VolumeFacts, added?: api.NodeAffinity): PodFacts {
  const { spec } = pod;
  const affinity = spec.affinity?.nodeAffinity;
  const required = pinned ? undefined : affinity?.requiredDuringSchedulingIgnoredDuringExecution;
  const onlyNodes = pinned ? undefined : namedNodes(pod);
  const preferred = [
    ...(affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []),
    ...(added?.preferredDuringSchedulingIgnoredDuringExecution ?? []),
  ];
  const enforced = added?.requiredDuringSchedulingIgnoredDuringExecution;
  return {
    nodeName: "",
    tolerations: (spec.tolerations ?? []).map(({ key = "", operator, value = "", effect = "" }) => ({
      key,
      operator: operator === "Exists" ? "Exists" : "Equal",
      value,
      effect: effect as TaintEffect | "",
    })),
    nodeSelector: spec.nodeSelector ?? {},
    requiredTerms: required?.nodeSelectorTerms.map(termOf),
    preferredTerms: preferred
      .map(({ weight, preference }) => ({ weight, term: termOf(preference) }))
      // A preference without a requirement says nothing. Source: nodeaffinity.NewPreferredSchedulingTerms.
      .filter(({ weight, term }) => weight !== 0 && term.matchLabels.length + term.matchFields.length > 0),
    images: [...(spec.initContainers ?? []), ...spec.containers].map(({ image = "" }) => withTag(image)),
    ...(volumes === undefined ? {} : { volumes }),
    ...(enforced === undefined ? {} : { enforcedTerms: enforced.nodeSelectorTerms.map(termOf) }),
    ...(onlyNodes === undefined ? {} : { onlyNodes }),
  };
}

/**
 * The only node that a pod may run on, when its required affinity is one term with nothing but one node name: what the DaemonSet
 * controller writes. Such pods share one class and are asked about one node.
 */
export function pinOf(pod: api.Pod): string | undefined {
  const terms = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  const [term] = terms ?? [];
  const [field] = term?.matchFields ?? [];
  if (terms?.length !== 1 || term?.matchFields?.length !== 1 || (term.matchExpressions?.length ?? 0) > 0) return undefined;
  if (field?.key !== "metadata.name" || field.operator !== "In" || field.values?.length !== 1) return undefined;
  return field.values[0];
}

/** The host ports of a pod's containers and sidecars. */
export function hostPortsOf(pod: api.Pod): { protocol: string; ip: string; port: number }[] {
  const holders = [...(pod.spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === "Always"), ...pod.spec.containers];
  return holders
    .flatMap(({ ports = [] }) => ports)
    .filter(({ hostPort = 0 }) => hostPort > 0)
    .map(({ protocol = "TCP", hostIP, hostPort = 0 }) => ({ protocol, ip: hostIP || "0.0.0.0", port: hostPort }));
}

/** Disks that a pod mounts by itself and that only one pod of a node may write. Source: VolumeRestrictions' isVolumeConflict. */
export function disksOf({ spec }: api.Pod): DiskUse[] {
  return (spec.volumes ?? []).flatMap(({ gcePersistentDisk: gce, awsElasticBlockStore: ebs, iscsi, rbd }): DiskUse[] => [
    ...(gce === undefined ? [] : [{ disk: `gce/${gce.pdName}`, isReadOnly: gce.readOnly === true }]),
    ...(ebs === undefined ? [] : [{ disk: `ebs/${ebs.volumeID}`, isReadOnly: false }]),
    ...(iscsi === undefined ? [] : [{ disk: `iscsi/${iscsi.iqn}`, isReadOnly: iscsi.readOnly === true }]),
    ...(rbd?.monitors ?? []).map((monitor) => ({ disk: `rbd/${monitor}/${rbd?.pool}/${rbd?.image}`, isReadOnly: rbd?.readOnly === true })),
  ]);
}

export function termOf(term: api.NodeSelectorTerm): NodeSelectorTerm {
  return { matchLabels: (term.matchExpressions ?? []).map(requirementOf), matchFields: (term.matchFields ?? []).map(requirementOf) };
}

function requirementOf({ key, operator, values = [] }: api.NodeSelectorRequirement): Requirement {
  return { key, operator: operator as SelectorOperator, values };
}

/** Images without a tag are counted as `:latest`. Source: ImageLocality's normalizedImageName. */
function withTag(image: string): string {
  return image.lastIndexOf(":") <= image.lastIndexOf("/") ? `${image}:latest` : image;
}
