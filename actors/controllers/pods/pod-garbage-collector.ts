import { PodKind } from "../../kinds/core/pod.ts";
import { isTerminal, isTerminalPhase } from "../../kinds/core/pod-phase.ts";
import type { Node, Pod, PodCondition } from "../../kinds/generated/types.ts";
import { mayBeDeleted, nodeNameOf, phaseOf } from "../../kinds/metadata-text.ts";
import { podsByNode } from "../../pod/pods-by-node.ts";
import { timestamp } from "../../registry/timestamps.ts";
import type { Change, Entry, IndexDefinition, View } from "../../store/view.ts";
import { anyKind, remove, updateStatus } from "../actions.ts";
import { conditionOf } from "../conditions.ts";
import { type Action, type Controller, NO_KEYS, NOTHING } from "../controller.ts";
import { disruptionTarget } from "./disruption-target.ts";

const NODES = "nodes";
const PODS = "pods";
/** The key of all pods that have ended, and what they are found by. */
const ENDED = "pods that have ended";
const ENDED_ONLY: readonly string[] = [ENDED];
/** Thousands of pods run for each that has ended: none of those is looked at to count these. */
const podsEnded: IndexDefinition = {
  name: "pods:ended",
  resource: PODS,
  values: (object) => (isTerminal(object as Pod) ? ENDED_ONLY : NO_KEYS),
  valuesOfText: (entry) => (isTerminalPhase(phaseOf(entry.text)) ? ENDED_ONLY : NO_KEYS),
};
/** A node that is gone may be coming back for so long. Source: nodeQuarantineTime. */
const NODE_QUARANTINE_MS = 40_000;
/** So long a pod that is going and that nobody lets go stays at most. Source: gcCheckPeriod. */
const STUCK_MS = 20_000;
/** Pods that have ended are counted so often; Kubernetes does it every 20 s. */
const COUNT_PERIOD_MS = 60_000;
const DELETIONS_PER_ROUND = 1_000;
/** Said by people of a node that is down for good. */
const OUT_OF_SERVICE = "node.kubernetes.io/out-of-service";

/**
 * Deletes the pods that nobody else would: those of nodes that do not exist, those that are going and whose node is out of service, or that never
 * had one, and the oldest that have ended when more have than `threshold` (0: all stay). Source: pkg/controller/podgc.
 */
export function podGarbageCollector(threshold: number): Controller {
  const missingSince = new Map<string, number>();
  const stuckSince = new Map<string, number>();
  return {
    name: "pod-garbage-collector",
    component: "pod-garbage-collector",
    kind: anyKind(PodKind),
    indexes: [podsByNode, podsEnded],
    watches: [
      {
        resource: NODES,
        keys: (change, view) => {
          if (change.now !== undefined) missingSince.delete(change.now.key);
          return keysOfNode(change, view);
        },
      },
      {
        resource: PODS,
        keys: (change, view) => {
          if (change.now === undefined && change.before !== undefined) stuckSince.delete(change.before.key);
          return keysOfPod(change, view);
        },
      },
    ],
    resync: { period_ms: COUNT_PERIOD_MS, keys: (view) => (threshold > 0 && endedOf(view).length > threshold ? [ENDED] : NO_KEYS) },
    reconcile: (view, key, now_ms) => {
      if (key === ENDED) return surplus(view, threshold);
      return key.startsWith(`${NODES}/`) ? orphans(missingSince, view, key, now_ms) : stuck(stuckSince, view, key, now_ms);
    },
  };
}

function keysOfNode({ now, before }: Change, view: View): readonly string[] {
  if (now === undefined) return before === undefined ? NO_KEYS : [before.key];
  if (!now.text.includes(OUT_OF_SERVICE)) return NO_KEYS;
  const pods = view.byIndex(podsByNode.name, now.key.slice(NODES.length + 1));
  return pods.filter(({ text }) => mayBeDeleted(text)).map(({ key }) => key);
}

/** A pod that is bound to a node that is not there, or that is going. */
function keysOfPod({ now }: Change, view: View): readonly string[] {
  if (now === undefined) return NO_KEYS;
  const keys = mayBeDeleted(now.text) ? [now.key] : NO_KEYS;
  const node = nodeNameOf(now.text);
  if (node === undefined || node === "") return keys;
  const key = `${NODES}/${node}`;
  return view.entry(key) === undefined ? [...keys, key] : keys;
}

function orphans(missingSince: Map<string, number>, view: View, key: string, now_ms: number): readonly Action[] {
  const pods = view.byIndex(podsByNode.name, key.slice(NODES.length + 1));
  if (view.entry(key) !== undefined || pods.length === 0) {
    missingSince.delete(key);
    return NOTHING;
  }
  const since_ms = missingSince.get(key) ?? now_ms;
  missingSince.set(key, since_ms);
  const left_ms = since_ms + NODE_QUARANTINE_MS - now_ms;
  if (left_ms > 0) return [{ do: "requeue", after_ms: left_ms }];
  const condition: PodCondition = {
    type: "DisruptionTarget",
    status: "True",
    reason: "DeletionByPodGC",
    message: "PodGC: node no longer exists",
    lastTransitionTime: timestamp(now_ms),
  };
  return pods.map((entry) => failAndDelete(view.decode<Pod>(entry), condition));
}

function stuck(stuckSince: Map<string, number>, view: View, key: string, now_ms: number): readonly Action[] {
  const pod = view.get<Pod>(key);
  if (pod === undefined || !isStuck(view, pod)) {
    stuckSince.delete(key);
    return NOTHING;
  }
  const since_ms = stuckSince.get(key) ?? now_ms;
  stuckSince.set(key, since_ms);
  const left_ms = since_ms + STUCK_MS - now_ms;
  return left_ms > 0 ? [{ do: "requeue", after_ms: left_ms }] : [failAndDelete(pod)];
}

/** Source: gcTerminating and gcUnscheduledTerminating. */
function isStuck(view: View, pod: Pod): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds } = pod.metadata;
  if (deletionTimestamp === undefined) return false;
  // With no node and at its end only its finalizers hold it, which is no reason to write again.
  if (!pod.spec.nodeName) return !isTerminal(pod) || deletionGracePeriodSeconds !== 0;
  const node = view.get<Node>(`${NODES}/${pod.spec.nodeName}`);
  const isDown = conditionOf(node?.status?.conditions, "Ready")?.status !== "True";
  return isDown && node?.spec.taints?.some((taint) => taint.key === OUT_OF_SERVICE) === true;
}

function endedOf(view: View): readonly Entry[] {
  return view.byIndex(podsEnded.name, ENDED);
}

/** Source: gcTerminated: evicted ones first, then the oldest. */
function surplus(view: View, threshold: number): readonly Action[] {
  const pods = endedOf(view)
    .map((entry) => view.decode<Pod>(entry))
    .filter(isTerminal);
  const isEvicted = ({ status }: Pod): boolean => status?.phase === "Failed" && status.reason === "Evicted";
  const order = (a: Pod, b: Pod): number =>
    Number(isEvicted(b)) - Number(isEvicted(a)) ||
    compare(a.metadata.creationTimestamp, b.metadata.creationTimestamp) ||
    compare(a.metadata.name, b.metadata.name);
  const extra = Math.max(0, pods.length - threshold);
  const actions = pods
    .sort(order)
    .slice(0, Math.min(extra, DELETIONS_PER_ROUND))
    .map((pod) => failAndDelete(pod));
  return extra > DELETIONS_PER_ROUND ? [...actions, { do: "requeue", after_ms: 0 }] : actions;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Source: markFailedAndDeletePodWithCondition. */
function failAndDelete(pod: Pod, condition?: PodCondition): Action {
  const deletion = remove(PodKind, pod, { gracePeriodSeconds: 0 });
  if (isTerminal(pod)) return deletion;
  const failed =
    condition === undefined ? updateStatus(PodKind, pod, { ...pod.status, phase: "Failed" }) : disruptionTarget(pod, condition, "Failed");
  return { do: "inOrder", steps: [failed, deletion] };
}
