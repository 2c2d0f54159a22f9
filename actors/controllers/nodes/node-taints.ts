import type { Node, Taint } from "../../kinds/generated/types.ts";
import { timestamp } from "../../registry/timestamps.ts";

export const NOT_READY = "node.kubernetes.io/not-ready";
export const UNREACHABLE = "node.kubernetes.io/unreachable";
const UNSCHEDULABLE = "node.kubernetes.io/unschedulable";

/** Which condition in which state means which taint. Source: nodeConditionToTaintKeyStatusMap. */
const CONDITION_TAINTS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  Ready: { False: NOT_READY, Unknown: UNREACHABLE },
  MemoryPressure: { True: "node.kubernetes.io/memory-pressure" },
  DiskPressure: { True: "node.kubernetes.io/disk-pressure" },
  NetworkUnavailable: { True: "node.kubernetes.io/network-unavailable" },
  PIDPressure: { True: "node.kubernetes.io/pid-pressure" },
};

const OURS: ReadonlySet<string> = new Set([
  ...Object.values(CONDITION_TAINTS).flatMap((byStatus) => Object.values(byStatus)),
  UNSCHEDULABLE,
]);

/** Whether the node's pods are being evicted because it is not ready. */
export function isEvicting({ spec }: Node): boolean {
  return spec.taints?.some(({ key, effect }) => effect === "NoExecute" && (key === NOT_READY || key === UNREACHABLE)) === true;
}

/**
 * The taints that a node should have by its conditions, with others' taints as they are; undefined when it has them. `evicts`: also those that
 * evict its pods.
 */
export function taintsByCondition(node: Node, evicts: boolean, now_ms: number): readonly Taint[] | undefined {
  const wanted = new Map<string, Taint>();
  const want = (key: string, effect: string): void => void wanted.set(`${key}:${effect}`, { key, effect, timeAdded: timestamp(now_ms) });
  for (const { type, status } of node.status?.conditions ?? []) {
    const key = CONDITION_TAINTS[type]?.[status];
    if (key === undefined) continue;
    want(key, "NoSchedule");
    if (type === "Ready" && evicts) want(key, "NoExecute");
  }
  // A node that has never said that it is ready keeps the taint that it came with.
  const hasSpoken = node.status?.conditions?.some(({ type }) => type === "Ready") === true;
  if (node.spec.unschedulable === true) want(UNSCHEDULABLE, "NoSchedule");
  const taints = node.spec.taints ?? [];
  const kept = taints.filter((taint) => {
    if (wanted.delete(`${taint.key}:${taint.effect}`)) return true;
    return !isOurs(taint) || (taint.key === NOT_READY && !hasSpoken);
  });
  return wanted.size === 0 && kept.length === taints.length ? undefined : [...kept, ...wanted.values()];
}

function isOurs({ key, effect }: Taint): boolean {
  if (effect === "NoSchedule") return OURS.has(key);
  return effect === "NoExecute" && (key === NOT_READY || key === UNREACHABLE);
}
