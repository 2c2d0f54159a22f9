import { NodeKind } from "../../kinds/core/node.ts";
import { PodKind } from "../../kinds/core/pod.ts";
import type { Node, Pod, PodCondition } from "../../kinds/generated/types.ts";
import { semanticEqual } from "../../kinds/machinery/equal.ts";
import { RUNTIME_LABEL } from "../../node/runtime.ts";
import { podsByNode } from "../../pod/pods-by-node.ts";
import { timestamp } from "../../registry/timestamps.ts";
import type { Key } from "../../store/transaction.ts";
import type { Entry, View } from "../../store/view.ts";
import { anyKind, modify, normal, regarding, updateStatus, warning } from "../actions.ts";
import { conditionOf } from "../conditions.ts";
import { type Action, type Controller, NO_KEYS, NOTHING, partOf } from "../controller.ts";
import { factsOf } from "../pods/pod-facts.ts";
import { graceOf, Heartbeats, lostConditions } from "./node-health.ts";
import { isEvicting, taintsByCondition } from "./node-taints.ts";
import { ZoneOutages } from "./zone-outages.ts";

const NODES = "nodes";
const LEASES = "leases.coordination.k8s.io/kube-node-lease";
/** How often every node's heartbeat is looked at. Source: --node-monitor-period. */
const NODE_MONITOR_PERIOD_MS = 5_000;
/** So many take some 15 ms. */
const NODES_AT_ONCE = 1_000;

/** What each is called now, and what it was called. */
const RENAMED_LABELS: readonly (readonly [now: string, before: string])[] = [
  ["kubernetes.io/os", "beta.kubernetes.io/os"],
  ["kubernetes.io/arch", "beta.kubernetes.io/arch"],
];

interface Seen {
  readonly entry: Entry;
  readonly node: Node;
  /** Whether it says that it is ready. */
  readonly isReady: boolean;
  /** The key of its lease. */
  readonly lease: Key;
}

/** What is remembered of the nodes. All of it is worked out again after a restart. */
interface Memory {
  readonly heartbeats: Heartbeats;
  readonly outages: ZoneOutages;
  /** By key, the nodes that were seen. Every node is looked at every few seconds, and hardly ever has changed. */
  readonly seen: Map<string, Seen>;
  /** By key, the nodes that were lost and may have pods that have not been told. */
  readonly untold: Set<string>;
  /** Whether nothing was evicted because no node was ready. */
  allDown: boolean;
  /** How all zones are is known: before, the first node of one would be all that is known of it. */
  knowsZones: boolean;
}

/**
 * Declares nodes that fall silent lost, taints nodes by their conditions, those that evict pods as fast as the state of the zone allows, and says
 * of the pods on nodes that are lost that they are not ready either. Leases are not watched: a heartbeat costs nothing here, and once a period every
 * node's is looked at. Source: pkg/controller/nodelifecycle.
 */
export function nodeLifecycleController(): Controller {
  const memory: Memory = {
    heartbeats: new Heartbeats(),
    outages: new ZoneOutages(),
    seen: new Map(),
    untold: new Set(),
    allDown: false,
    knowsZones: false,
  };
  return {
    name: "node-lifecycle",
    component: "node-controller",
    kind: anyKind(NodeKind),
    indexes: [podsByNode],
    watches: [{ resource: NODES, keys: ({ now, before }) => [(now ?? (before as Entry)).key] }],
    resync: {
      period_ms: NODE_MONITOR_PERIOD_MS,
      parts: (view) => Math.ceil(view.count(NODES) / NODES_AT_ONCE),
      keys: (view, now_ms, part) =>
        partOf(view.list(NODES), part).flatMap((entry) => (needsLook(memory, view, entry, now_ms) ? [entry.key] : NO_KEYS)),
    },
    reconcile: (view, key, now_ms) => {
      const entry = view.entry(key);
      return entry === undefined ? forget(memory, key) : reconcile(memory, view, entry, now_ms);
    },
  };
}

function forget({ heartbeats, outages, seen, untold }: Memory, key: string): readonly Action[] {
  const known = seen.get(key)?.node;
  heartbeats.forget(key);
  outages.forget(key);
  seen.delete(key);
  untold.delete(key);
  return known === undefined || isPlayed(known) ? NOTHING : [tell(known, "RemovingNode", "Removing Node", "from Controller")];
}

/** Of a node that was well when it was looked at last, and has not changed, there is nothing to say but that it has fallen silent. */
function needsLook(memory: Memory, view: View, entry: Entry, now_ms: number): boolean {
  const known = memory.seen.get(entry.key);
  if (known?.entry !== entry || !known.isReady) return true;
  return memory.heartbeats.silence_ms(entry.key, known.node, view.entry(known.lease), now_ms) > graceOf(known.node);
}

function reconcile(memory: Memory, view: View, entry: Entry, now_ms: number): readonly Action[] {
  const { seen, heartbeats, untold } = memory;
  const { key } = entry;
  const before = seen.get(key);
  const node = before?.entry === entry ? before.node : view.decode<Node>(entry);
  const { name } = node.metadata;
  const actions: Action[] = [];
  if (before === undefined && !isPlayed(node)) actions.push(tell(node, "RegisteredNode", "Registered Node", "in Controller"));
  const lease = before?.lease ?? `${LEASES}/${name}`;
  const isSilent = heartbeats.silence_ms(key, node, view.entry(lease), now_ms) > graceOf(node);
  const lost = isSilent ? lostConditions(node, now_ms) : undefined;
  const known: Node = lost === undefined ? node : { ...node, status: { ...node.status, conditions: lost } };
  if (lost !== undefined) actions.push(updateStatus(NodeKind, node, { ...node.status, conditions: lost }));
  const condition = conditionOf(known.status?.conditions, "Ready");
  const ready = condition === undefined ? undefined : condition.status === "True";
  seen.set(key, { entry, node, isReady: isReadyNode(node), lease });
  const { evicts, wait_ms } = evictionOf(memory, view, key, known, ready, now_ms);
  actions.push(...taint(node, known, evicts, now_ms));
  if (wait_ms !== undefined) actions.push({ do: "requeue", after_ms: wait_ms });
  actions.push(...relabel(node));
  const isFallen = ready === false && isReadyNode(node);
  if (ready === true) untold.delete(key);
  if (isFallen) untold.add(key);
  // What a node says of itself its pods have heard from it; when it is we who find it lost nobody else tells them.
  if (untold.has(key)) {
    const told = podsNotReady(view, node, now_ms);
    if (told.length === 0 && !isFallen) untold.delete(key);
    actions.push(...told);
  }
  if (isFallen) {
    const message = `Node ${name} status is now: NodeNotReady`;
    actions.push({ do: "event", note: normal(regarding(NodeKind, node), "NodeNotReady", message) });
  }
  return actions;
}

function isReadyNode({ status }: Node): boolean {
  return conditionOf(status?.conditions, "Ready")?.status === "True";
}

/** Nodes that are played here come and go in thousands, and their pods' Events say enough of them. */
function isPlayed({ metadata }: Node): boolean {
  return metadata.labels?.[RUNTIME_LABEL] !== undefined;
}

/** Source: RecordNodeEvent. */
function tell(node: Node, reason: string, verb: string, where: string): Action {
  const { name } = node.metadata;
  return { do: "event", note: normal(regarding(NodeKind, node), reason, `Node ${name} event: ${verb} ${name} ${where}`) };
}

function lookAtZones(memory: Memory, view: View): void {
  memory.knowsZones = true;
  for (const entry of view.list(NODES)) {
    const node = view.decode<Node>(entry);
    memory.outages.note(entry.key, node, isReadyNode(node));
  }
}

/** Whether the node shall have a taint that evicts its pods; when that has to wait for its turn, how long. Source: processTaintBaseEviction. */
function evictionOf(
  memory: Memory,
  view: View,
  key: string,
  node: Node,
  ready: boolean | undefined,
  now_ms: number,
): { readonly evicts: boolean; readonly wait_ms?: number } {
  const { outages, heartbeats } = memory;
  if (!memory.knowsZones) lookAtZones(memory, view);
  outages.note(key, node, ready === true);
  const { allDown } = outages;
  if (memory.allDown && !allDown) heartbeats.beginAnew();
  memory.allDown = allDown;
  if (ready !== false || allDown) return { evicts: false };
  if (isEvicting(node)) return { evicts: true };
  const wait_ms = outages.take(key, now_ms);
  if (wait_ms === 0) return { evicts: true };
  return wait_ms === Number.POSITIVE_INFINITY ? { evicts: false } : { evicts: false, wait_ms };
}

function taint(node: Node, known: Node, evicts: boolean, now_ms: number): readonly Action[] {
  if (taintsByCondition(known, evicts, now_ms) === undefined) return NOTHING;
  return [
    modify(NodeKind, node, (current) => {
      const conditions = known.status?.conditions ?? [];
      const taints = taintsByCondition({ ...current, status: { ...current.status, conditions } }, evicts, now_ms);
      if (taints === undefined) return undefined;
      const { taints: _before, ...spec } = current.spec;
      return { ...current, spec: taints.length === 0 ? spec : { ...spec, taints: [...taints] } };
    }),
  ];
}

/** Labels of old say what those say that came after them. Source: reconcileNodeLabels. */
function relabel(node: Node): readonly Action[] {
  if (relabelled(node) === undefined) return NOTHING;
  return [modify(NodeKind, node, relabelled)];
}

function relabelled(node: Node): Node | undefined {
  const { labels = {} } = node.metadata;
  const next = { ...labels };
  for (const [now, before] of RENAMED_LABELS) if (labels[now] !== undefined) next[before] = labels[now];
  return semanticEqual(next, labels) ? undefined : { ...node, metadata: { ...node.metadata, labels: next } };
}

/** Source: MarkPodsNotReady. */
function podsNotReady(view: View, node: Node, now_ms: number): readonly Action[] {
  const actions: Action[] = [];
  for (const entry of view.byIndex(podsByNode.name, node.metadata.name)) {
    if (!factsOf(view, entry).ready) continue;
    const pod = view.decode<Pod>(entry);
    const conditions = (pod.status?.conditions ?? []).map((condition) => notReady(condition, now_ms));
    actions.push(updateStatus(PodKind, pod, { ...pod.status, conditions }));
    actions.push({ do: "event", note: warning(regarding(PodKind, pod), "NodeNotReady", "Node is not ready") });
  }
  return actions;
}

function notReady(condition: PodCondition, now_ms: number): PodCondition {
  return condition.type === "Ready" ? { ...condition, status: "False", lastTransitionTime: timestamp(now_ms) } : condition;
}
