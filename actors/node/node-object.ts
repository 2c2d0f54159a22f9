import type { Lease, Node, NodeCondition, NodeStatus } from "../kinds/generated/types.ts";
import type { ToldCondition } from "./hollow/node-behaviour.ts";
import type { NodeForm, NodeShape } from "./node-form.ts";

/** The version that nodes report; the API's. */
export const KUBELET_VERSION = "v1.34.0";
export const KUBELET_PORT = 10_250;
/** How long a lease holds; the node controller waits a little longer. */
export const LEASE_DURATION_S = 40;

/** The Node that a node registers itself with. `index` gives it its addresses. */
export function newNode(name: string, index: number, form: NodeForm, now: string): Node {
  const { addresses, architecture, label, runtime } = form;
  const podCIDR = addresses.podCidrOf(index);
  return {
    metadata: {
      name,
      uid: "",
      creationTimestamp: "",
      labels: {
        "beta.kubernetes.io/arch": architecture,
        "beta.kubernetes.io/os": "linux",
        "kubernetes.io/arch": architecture,
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        ...form.labels(index),
        [label]: runtime,
      },
      annotations: { "node.alpha.kubernetes.io/ttl": "0", "volumes.kubernetes.io/controller-managed-attach-detach": "true" },
    },
    spec: podCIDR === undefined ? {} : { podCIDR, podCIDRs: [podCIDR] },
    status: nodeStatus(undefined, name, form.door?.address ?? addresses.nodeAddressOf(index), form, now),
  };
}

type Said = Omit<NodeCondition, "lastHeartbeatTime" | "lastTransitionTime">;

const HEALTHY: readonly Said[] = [
  { type: "MemoryPressure", status: "False", reason: "KubeletHasSufficientMemory", message: "kubelet has sufficient memory available" },
  { type: "DiskPressure", status: "False", reason: "KubeletHasNoDiskPressure", message: "kubelet has no disk pressure" },
  { type: "PIDPressure", status: "False", reason: "KubeletHasSufficientPID", message: "kubelet has sufficient PID available" },
  { type: "Ready", status: "True", reason: "KubeletReady", message: "kubelet is posting ready status" },
];

/** What kubelet says of a condition that is not as it should be. */
const TROUBLED: Readonly<Record<string, readonly [reason: string, message: string]>> = {
  MemoryPressure: ["KubeletHasInsufficientMemory", "kubelet has insufficient memory available"],
  DiskPressure: ["KubeletHasDiskPressure", "kubelet has disk pressure"],
  PIDPressure: ["KubeletHasInsufficientPID", "kubelet has insufficient PID available"],
  Ready: ["KubeletNotReady", "container runtime is down"],
};

/** The conditions of a node, healthy but for those that it is told to report, and for what its runtime says. */
function conditionsSaid(told: readonly ToldCondition[], trouble: string | undefined): readonly Said[] {
  if (trouble !== undefined) return conditionsSaid(told, undefined).map((said) => (said.type === "Ready" ? notReady(trouble) : said));
  if (told.length === 0) return HEALTHY;
  const of = new Map(told.map(({ type, status }) => [type, status]));
  const own = HEALTHY.map((healthy): Said => {
    const status = of.get(healthy.type) ?? healthy.status;
    of.delete(healthy.type);
    const [reason, message] = TROUBLED[healthy.type] ?? [healthy.reason, healthy.message];
    return status === healthy.status ? healthy : { ...healthy, status, reason: reason ?? "", message: message ?? "" };
  });
  return [
    ...[...of].map(([type, status]): Said => ({ type, status, reason: "Annotated", message: "as the node is told to report" })),
    ...own,
  ];
}

function notReady(message: string): Said {
  return { type: "Ready", status: "False", reason: "KubeletNotReady", message };
}

/** A node's status, healthy but for `told`. Transition times are kept where nothing changed. */
export function nodeStatus(
  before: NodeStatus | undefined,
  name: string,
  address: string,
  form: NodeForm,
  now: string,
  told: readonly ToldCondition[] = [],
): NodeStatus {
  const said = conditionsSaid(told, form.trouble?.());
  const kept = form.isImagined ? before : undefined;
  return {
    ...before,
    capacity: kept?.capacity ?? { ...before?.capacity, ...quantities(form.capacity) },
    allocatable: kept?.allocatable ?? { ...before?.allocatable, ...quantities(form.allocatable) },
    conditions: [
      ...said.map((condition) => {
        const old = before?.conditions?.find((other) => other.type === condition.type);
        const since = old?.status === condition.status ? (old.lastTransitionTime ?? now) : now;
        return { ...condition, lastHeartbeatTime: now, lastTransitionTime: since };
      }),
      ...(before?.conditions ?? []).filter((other) => !said.some((condition) => condition.type === other.type)),
    ],
    addresses: (form.door === undefined ? before?.addresses : undefined) ?? [
      { type: "InternalIP", address },
      { type: "Hostname", address: name },
    ],
    ...(form.images === undefined ? {} : { images: [...form.images()] }),
    ...featuresOf(form),
    daemonEndpoints: { kubeletEndpoint: { Port: form.door?.port ?? KUBELET_PORT } },
    // Nothing reads it but stages, which ask for it before they do anything to a node.
    phase: "Running",
    nodeInfo: { ...form.info(name), kubeletVersion: KUBELET_VERSION, kubeProxyVersion: "", operatingSystem: "linux" },
  };
}

function featuresOf({ features }: NodeForm): Pick<NodeStatus, "runtimeHandlers" | "features"> {
  if (features === undefined) return {};
  const { handlers, supplementalGroupsPolicy } = features();
  return { runtimeHandlers: [...handlers], features: { supplementalGroupsPolicy } };
}

function quantities({ cpu, memory, ephemeralStorage, pods }: NodeShape): Record<string, string> {
  return { cpu, "ephemeral-storage": ephemeralStorage, memory, pods };
}

export const LEASE_NAMESPACE = "kube-node-lease";

/** A node's heartbeat. `now` has microseconds: `2026-01-01T00:00:00.000000Z`. */
export function nodeLease(node: Node, now: string): Lease {
  const { name, uid } = node.metadata;
  return {
    metadata: {
      name,
      namespace: LEASE_NAMESPACE,
      uid: "",
      creationTimestamp: "",
      ownerReferences: [{ apiVersion: "v1", kind: "Node", name, uid }],
    },
    spec: { holderIdentity: name, leaseDurationSeconds: LEASE_DURATION_S, renewTime: now },
  };
}
