import type { Endpoint, EndpointSlice } from "../../kinds/generated/types.ts";
import type { Target } from "./forwarding.ts";

/** What counts as near: the nodes that this machine is, their zones, and the addresses at which node ports are. */
export interface Place {
  readonly nodes: ReadonlySet<string>;
  readonly zones: ReadonlySet<string>;
  readonly addresses: readonly string[];
}

/** An endpoint of one service port, as kube-proxy sees it. */
interface Candidate {
  readonly target: Target;
  readonly ready: boolean;
  readonly ending: boolean;
  readonly local: boolean;
  readonly forNodes: readonly string[];
  readonly forZones: readonly string[];
}

/** The targets of a service port by traffic policy. Local ones are those on this machine's nodes. */
export interface UsableEndpoints {
  readonly cluster: readonly Target[];
  readonly local: readonly Target[];
}

/**
 * Which endpoints of a port get traffic: the ready ones, near ones only where hints say so; and where none is ready, those that are ending but serve still.
 * Source: pkg/proxy/topology.go, CategorizeEndpoints.
 */
export function usableEndpoints(slices: readonly EndpointSlice[], port: ServicePortKey, place: Place): UsableEndpoints {
  const all = candidatesOf(slices, port, place);
  const ready = all.filter((candidate) => candidate.ready);
  const near = nearOnes(ready, place);
  const local = all.filter((candidate) => candidate.local);
  return {
    cluster: readyOrEnding(near, all),
    local: readyOrEnding(
      local.filter((candidate) => candidate.ready),
      local,
    ),
  };
}

export interface ServicePortKey {
  readonly name: string;
  readonly protocol: string;
}

function readyOrEnding(ready: readonly Candidate[], all: readonly Candidate[]): readonly Target[] {
  return (ready.length > 0 ? ready : all.filter(({ ending }) => ending)).map(({ target }) => target);
}

/** Those that are hinted for a node of ours, or for a zone; all, unless every one has a hint and one is for us. */
function nearOnes(ready: readonly Candidate[], { nodes, zones }: Place): readonly Candidate[] {
  const near = (hints: (candidate: Candidate) => readonly string[], ours: ReadonlySet<string>): readonly Candidate[] =>
    ready.every((candidate) => hints(candidate).length > 0)
      ? ready.filter((candidate) => hints(candidate).some((name) => ours.has(name)))
      : [];
  const onNodes = near(({ forNodes }) => forNodes, nodes);
  if (onNodes.length > 0) return onNodes;
  const inZones = near(({ forZones }) => forZones, zones);
  return inZones.length > 0 ? inZones : ready;
}

function candidatesOf(slices: readonly EndpointSlice[], wanted: ServicePortKey, { nodes }: Place): readonly Candidate[] {
  const candidates = new Map<string, Candidate>();
  for (const { addressType, ports, endpoints } of slices) {
    if (addressType !== "IPv4") continue;
    const found = ports?.find(({ name = "", protocol = "TCP" }) => name === wanted.name && protocol === wanted.protocol);
    if (found?.port === undefined) continue;
    for (const endpoint of endpoints ?? []) {
      const candidate = candidateOf(endpoint, found.port, nodes);
      // While an endpoint moves from one slice to another it may be in both, and the better word counts.
      const key = `${candidate.target.address}:${candidate.target.port}`;
      if (candidates.get(key)?.ready !== true) candidates.set(key, candidate);
    }
  }
  return [...candidates.values()];
}

/** What is not said of an endpoint: it is ready, serves as far as it is ready, and is not ending. */
function candidateOf({ addresses, conditions, nodeName, hints }: Endpoint, port: number, nodes: ReadonlySet<string>): Candidate {
  const ready = conditions?.ready ?? true;
  return {
    target: { address: addresses[0] ?? "", port },
    ready,
    ending: (conditions?.serving ?? ready) && conditions?.terminating === true,
    local: nodeName !== undefined && nodes.has(nodeName),
    forNodes: hints?.forNodes?.map(({ name }) => name) ?? [],
    forZones: hints?.forZones?.map(({ name }) => name) ?? [],
  };
}
