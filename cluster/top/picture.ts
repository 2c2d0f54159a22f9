import { type KindRow, SORTS, type Sort, type Summary } from "../actors-top/summary.ts";
import { holdsRoom, type NodeFacts, type PodFacts } from "./facts.ts";
import { sortOf, type TopState } from "./state.ts";

/** A node and what is on it. Shares are of what it has, from 0 to 1. */
export interface NodeRow extends NodeFacts {
  readonly pods: number;
  readonly cpuShare: number;
  readonly memoryShare: number;
}

/** What a look at the cluster shows: `troupe top -o json` prints it, all rows of it. */
export interface Picture {
  readonly nodes: { readonly total: number; readonly ready: number };
  readonly pods: { readonly total: number; readonly byStatus: Readonly<Record<string, number>> };
  /** What pods ask for of what nodes have, from 0 to 1. */
  readonly asked: { readonly cpuShare: number; readonly memoryShare: number };
  readonly actors: { readonly hosts: number; readonly active: number; readonly messages_per_s: number };
  /** Rows of the view that is looked at, sorted. */
  readonly rows: readonly (NodeRow | PodFacts | KindRow)[];
}

export interface Seen {
  readonly nodes: readonly NodeFacts[];
  readonly pods: readonly PodFacts[];
  readonly actors: Summary;
}

/** What is seen, added up and sorted. */
export function pictureOf(seen: Seen, state: TopState): Picture {
  const nodes = nodeRows(seen);
  const { pods } = seen;
  const sum = (of: (row: NodeRow) => number): number => nodes.reduce((total, row) => total + of(row), 0);
  const byStatus = Object.fromEntries([...Map.groupBy(pods, ({ status }) => status)].map(([status, some]) => [status, some.length]));
  const { hosts } = seen.actors;
  const rows = { nodes, pods, actors: seen.actors.kinds }[state.view] as readonly (NodeRow | PodFacts | KindRow)[];
  const sorted = rows.toSorted(comparison(state));
  return {
    nodes: { total: nodes.length, ready: nodes.filter(({ status }) => status.startsWith("Ready")).length },
    pods: { total: pods.length, byStatus },
    asked: {
      cpuShare: share(
        sum(({ cpuShare, cpu }) => cpuShare * cpu),
        sum(({ cpu }) => cpu),
      ),
      memoryShare: share(
        sum(({ memoryShare, memory_bytes }) => memoryShare * memory_bytes),
        sum(({ memory_bytes }) => memory_bytes),
      ),
    },
    actors: {
      hosts: hosts.length,
      active: hosts.reduce((total, { active }) => total + active, 0),
      messages_per_s: hosts.reduce((total, { messages_per_s }) => total + messages_per_s, 0),
    },
    rows: state.reversed ? sorted.reverse() : sorted,
  };
}

function nodeRows({ nodes, pods }: Seen): readonly NodeRow[] {
  const on = Map.groupBy(pods.filter(holdsRoom), ({ node }) => node);
  return nodes.map((node) => {
    const own = on.get(node.name) ?? [];
    const sum = (of: (pod: PodFacts) => number): number => own.reduce((total, pod) => total + of(pod), 0);
    return {
      ...node,
      pods: own.length,
      cpuShare: share(
        sum(({ cpu }) => cpu),
        node.cpu,
      ),
      memoryShare: share(
        sum(({ memory_bytes }) => memory_bytes),
        node.memory_bytes,
      ),
    };
  });
}

function share(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}

/** node-2 before node-10. */
const BY_NAME = new Intl.Collator("en", { numeric: true });

/** By numbers with the largest first, by texts in their order; what is alike by name. */
function comparison(state: TopState): (a: NodeRow | PodFacts | KindRow, b: NodeRow | PodFacts | KindRow) => number {
  const value = VALUES[`${state.view} ${sortOf(state)}`] ?? (() => 0);
  return (a, b) => {
    const [of, other] = [value(a), value(b)];
    const order = typeof of === "number" && typeof other === "number" ? other - of : BY_NAME.compare(String(of), String(other));
    return order || BY_NAME.compare(nameOf(a), nameOf(b));
  };
}

function nameOf(row: NodeRow | PodFacts | KindRow): string {
  return "kind" in row ? `${row.host}/${row.kind}` : "key" in row ? row.key : row.name;
}

type Value = (row: NodeRow | PodFacts | KindRow) => number | string;
const ofNode = (value: (row: NodeRow) => number | string): Value => value as Value;
const ofPod = (value: (row: PodFacts) => number | string): Value => value as Value;
const ofKind = (sort: Sort): Value => SORTS[sort] as unknown as Value;

const VALUES: Readonly<Record<string, Value>> = {
  "nodes cpu": ofNode(({ cpuShare }) => cpuShare),
  "nodes memory": ofNode(({ memoryShare }) => memoryShare),
  "nodes pods": ofNode(({ pods }) => pods),
  "nodes status": ofNode(({ status }) => status),
  "nodes name": nameOf,
  "pods restarts": ofPod(({ restarts }) => restarts),
  "pods cpu": ofPod(({ cpu }) => cpu),
  "pods memory": ofPod(({ memory_bytes }) => memory_bytes),
  // The youngest first: what happened last.
  "pods age": ofPod(({ since_ms }) => since_ms),
  "pods status": ofPod(({ status }) => status),
  "pods name": nameOf,
  ...Object.fromEntries((Object.keys(SORTS) as Sort[]).map((sort) => [`actors ${sort}`, ofKind(sort)])),
};
