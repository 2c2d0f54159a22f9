/** What the API is told of a driver on a node: in the node's CSINode, and on the Node itself. Pure. Source: pkg/volume/csi/nodeinfomanager. */
import type { CSINode, CSINodeDriver, Node } from "../../kinds/generated/types.ts";

/** Source: CreateCSINode. */
export function newCsiNode({ metadata: { name, uid } }: Node): CSINode {
  return {
    metadata: { name, uid: "", creationTimestamp: "", ownerReferences: [{ apiVersion: "v1", kind: "Node", name, uid }] },
    spec: { drivers: [] },
  };
}

/** What a driver says of itself on a node. */
export interface DriverInfo {
  readonly name: string;
  readonly nodeId: string;
  /** 0: as many as it likes. */
  readonly volumesMax: number;
  readonly topology: Readonly<Record<string, string>>;
}

export function driverOf({ name, nodeId, volumesMax, topology }: DriverInfo): CSINodeDriver {
  return {
    name,
    nodeID: nodeId,
    topologyKeys: Object.keys(topology).sort(),
    ...(volumesMax > 0 ? { allocatable: { count: Math.min(volumesMax, COUNT_MAX) } } : {}),
  };
}

/** An int32 of the API. */
const COUNT_MAX = 2_147_483_647;

export function withDriver(node: CSINode, driver: CSINodeDriver): CSINode {
  const others = (node.spec.drivers ?? []).filter(({ name }) => name !== driver.name);
  return { ...node, spec: { ...node.spec, drivers: [...others, driver] } };
}

export function withoutDriver(node: CSINode, name: string): CSINode {
  return { ...node, spec: { ...node.spec, drivers: (node.spec.drivers ?? []).filter((driver) => driver.name !== name) } };
}

const NODE_IDS = "csi.volume.kubernetes.io/nodeid";

/** The Node of a driver: with its ID there, and with its topology as labels. Throws an Error where a label says something else. Source: updateNodeIDInNode, updateTopologyLabels. */
export function nodeWithDriver(node: Node, { name, nodeId, topology }: DriverInfo): Node | undefined {
  const { annotations = {}, labels = {} } = node.metadata;
  for (const [key, value] of Object.entries(topology)) {
    const there = labels[key];
    if (there !== undefined && there !== value)
      throw new Error(
        `detected topology value collision: driver reported ${JSON.stringify(key)}:${JSON.stringify(value)} but existing label is ${JSON.stringify(key)}:${JSON.stringify(there)}`,
      );
  }
  const ids = nodeIdsOf(annotations);
  const isSame = ids[name] === nodeId && Object.keys(topology).every((key) => labels[key] !== undefined);
  if (isSame) return undefined;
  const next = { ...annotations, [NODE_IDS]: JSON.stringify({ ...ids, [name]: nodeId }) };
  return { ...node, metadata: { ...node.metadata, annotations: next, labels: { ...labels, ...topology } } };
}

/** Its labels stay: volumes may name them. */
export function nodeWithoutDriver(node: Node, name: string): Node | undefined {
  const { [NODE_IDS]: _, ...others } = node.metadata.annotations ?? {};
  const { [name]: id, ...ids } = nodeIdsOf(node.metadata.annotations ?? {});
  if (id === undefined) return undefined;
  const annotations = Object.keys(ids).length === 0 ? others : { ...others, [NODE_IDS]: JSON.stringify(ids) };
  return { ...node, metadata: { ...node.metadata, annotations } };
}

function nodeIdsOf(annotations: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  try {
    return JSON.parse(annotations[NODE_IDS] ?? "{}") as Record<string, string>;
  } catch {
    // Somebody else wrote it; it is written anew.
    return {};
  }
}
