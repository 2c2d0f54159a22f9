import { NodeKind } from "../../kinds/core/node.ts";
import { PodKind } from "../../kinds/core/pod.ts";
import type { Lease, Node, Pod, PodCondition } from "../../kinds/generated/types.ts";
import { nodeNameOf } from "../../kinds/metadata-text.ts";
import { timestamp } from "../../registry/timestamps.ts";
import type { IndexDefinition, View } from "../../store/view.ts";
import { anyKind, modify, normal, regarding, updateStatus, warning } from "../actions.ts";
import { conditionOf } from "../conditions.ts";
import { type Action, type Controller, NO_KEYS, NOTHING } from "../controller.ts";
import { factsOf } from "../pods/pod-facts.ts";
import { graceOf, Heartbeats, lostConditions } from "./node-health.ts";
import { taintsByCondition } from "./node-taints.ts";

const NODES = "nodes";
const LEASES = "leases.coordination.k8s.io/kube-node-lease";
/** How often every node's heartbeat is looked at. Source: --node-monitor-period. */
const NODE_MONITOR_PERIOD_MS = 5_000;

/** Pods by the node that they are bound to. */
export const podsByNode: IndexDefinition = {
  name: "nodes:pods",
  resource: "pods",
  values: (object) => {
    const { nodeName } = (object as Pod).spec;
    return nodeName === undefined || nodeName === "" ? [] : [nodeName];
  },
  valuesOfText: ({ text }) => {
    const nodeName = nodeNameOf(text);
    return nodeName === undefined || nodeName === "" ? [] : [nodeName];
  },
};

/**
 * Declares nodes that fall silent lost, taints nodes by their conditions, and says of the pods on nodes that are not Ready that they are not
 * ready either. Leases are not watched: a heartbeat costs nothing here, and every node is looked at once a period.
 * Source: pkg/controller/nodelifecycle.
 */
export function nodeLifecycleController(): Controller {
  const heartbeats = new Heartbeats();
  return {
    name: "node-lifecycle",
    component: "node-controller",
    kind: anyKind(NodeKind),
    indexes: [podsByNode],
    watches: [
      {
        resource: NODES,
        keys: ({ now, before }) => {
          if (now !== undefined) return [now.key];
          if (before !== undefined) heartbeats.forget(before.key);
          return NO_KEYS;
        },
      },
    ],
    resync: { period_ms: NODE_MONITOR_PERIOD_MS, keys: (view) => view.list(NODES).map(({ key }) => key) },
    reconcile: (view, key, now_ms) => reconcile(heartbeats, view, key, now_ms),
  };
}

function reconcile(heartbeats: Heartbeats, view: View, key: string, now_ms: number): readonly Action[] {
  const node = view.get<Node>(key);
  if (node === undefined) return NOTHING;
  const { name } = node.metadata;
  const lease = view.get<Lease>(`${LEASES}/${name}`);
  const silence_ms = heartbeats.silence_ms(key, node, lease, now_ms);
  const lost = silence_ms > graceOf(node) ? lostConditions(node, now_ms) : undefined;
  const known: Node = lost === undefined ? node : { ...node, status: { ...node.status, conditions: lost } };
  const actions: Action[] = [];
  if (lost !== undefined) actions.push(updateStatus(NodeKind, node, { ...node.status, conditions: lost }));
  if (taintsByCondition(known, now_ms) !== undefined) {
    actions.push(
      modify(NodeKind, node, (current) => {
        const taints = taintsByCondition({ ...current, status: { ...current.status, conditions: known.status?.conditions ?? [] } }, now_ms);
        if (taints === undefined) return undefined;
        const { taints: _before, ...spec } = current.spec;
        return { ...current, spec: taints.length === 0 ? spec : { ...spec, taints: [...taints] } };
      }),
    );
  }
  const ready = conditionOf(known.status?.conditions, "Ready");
  if (ready !== undefined && ready.status !== "True") actions.push(...podsNotReady(view, node, now_ms));
  const wasReady = conditionOf(node.status?.conditions, "Ready")?.status === "True";
  if (lost !== undefined && wasReady) {
    const message = `Node ${name} status is now: NodeNotReady`;
    actions.push({ do: "event", note: normal(regarding(NodeKind, node), "NodeNotReady", message) });
  }
  return actions;
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
