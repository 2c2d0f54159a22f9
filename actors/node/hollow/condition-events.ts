import type { ToldCondition } from "./node-behaviour.ts";

/** By condition and status. Source: kubelet's nodestatus setters (Kubernetes 1.34). */
const REASONS: Readonly<Record<string, string>> = {
  "MemoryPressure=True": "NodeHasInsufficientMemory",
  "MemoryPressure=False": "NodeHasSufficientMemory",
  "DiskPressure=True": "NodeHasDiskPressure",
  "DiskPressure=False": "NodeHasNoDiskPressure",
  "PIDPressure=True": "NodeHasInsufficientPID",
  "PIDPressure=False": "NodeHasSufficientPID",
  "Ready=True": "NodeReady",
  "Ready=False": "NodeNotReady",
};

/** The Events of a kubelet whose conditions were `before` and are `now`: of those that it knows and that have changed. */
export function conditionEvents(
  node: string,
  before: readonly ToldCondition[],
  now: readonly ToldCondition[],
): readonly { readonly reason: string; readonly message: string }[] {
  const was = new Map(before.map(({ type, status }) => [type, status]));
  const healthy = (type: string): string => (type === "Ready" ? "True" : "False");
  return now.flatMap(({ type, status }) => {
    const reason = REASONS[`${type}=${status}`];
    return reason === undefined || (was.get(type) ?? healthy(type)) === status
      ? []
      : [{ reason, message: `Node ${node} status is now: ${reason}` }];
  });
}
