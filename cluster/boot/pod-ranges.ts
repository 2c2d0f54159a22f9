import { isIPv4 } from "node:net";
import type { ClusterCidr } from "../../actors/controllers/nodes/node-ipam.ts";

/** What pods have their addresses from, on whichever machine. */
export function podRanges(podCidr: string, clusterCidrs: readonly ClusterCidr[]): readonly string[] {
  return [podCidr, ...clusterCidrs.map(({ cidr }) => cidr).filter((cidr) => isIPv4(cidr.split("/")[0] ?? ""))];
}
