import type { Cluster } from "../cluster.ts";
import { PORTS_TAKEN } from "../reason.ts";
import type { Usage } from "../usage.ts";
import type { Plugin, Rejection } from "./plugin.ts";

const TAKEN: Rejection = { reasons: [PORTS_TAKEN], resolvable: true };

/** Two pods of one node cannot hold the same host port. Which columns a port means is in `port-columns.ts`. */
export const nodePorts: Plugin = {
  name: "NodePorts",
  weight: 0,
  usage: {
    fits: free,
    reject: () => TAKEN,
  },
};

function free(cluster: Cluster, usage: Usage, slot: number): boolean {
  const wanted = usage.portsWanted;
  const row = slot * cluster.portColumns;
  for (let i = 0; i < wanted.length; i++) if (cluster.ports[row + (wanted[i] as number)] !== 0) return false;
  return true;
}
