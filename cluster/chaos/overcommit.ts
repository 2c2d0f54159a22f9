import type { Node, Pod } from "../../actors/kinds/generated/types.ts";
import { amountsOf, podRequests } from "../../actors/scheduler/resource-needs.ts";

/** Nodes on which pods have been given more than there is, in words. Pure. */
export function overcommitted(nodes: readonly Node[], pods: readonly Pod[]): readonly string[] {
  const byNode = Map.groupBy(
    pods.filter(({ spec, status }) => spec?.nodeName !== undefined && status?.phase !== "Succeeded" && status?.phase !== "Failed"),
    ({ spec }) => spec?.nodeName ?? "",
  );
  return nodes.flatMap(({ metadata, status }) => {
    const own = byNode.get(metadata.name) ?? [];
    const taken: Record<string, number> = { pods: own.length };
    for (const pod of own)
      for (const [resource, amount] of Object.entries(podRequests(pod))) taken[resource] = (taken[resource] ?? 0) + amount;
    const room = amountsOf(status?.allocatable);
    return Object.entries(taken)
      .filter(([resource, amount]) => amount > (room[resource] ?? 0))
      .map(([resource, amount]) => `${metadata.name} has given ${amount} of ${resource}, and has ${room[resource] ?? 0}`);
  });
}
