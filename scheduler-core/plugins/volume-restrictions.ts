import type { Cluster } from "../cluster.ts";
import { DISK_CONFLICT } from "../reason.ts";
import type { Usage } from "../usage.ts";
import type { Plugin, Rejection } from "./plugin.ts";

const CONFLICT: Rejection = { reasons: [DISK_CONFLICT], resolvable: true };

/** Disks that may be written from one pod of a node only. A disk is counted like a host port; see `PortColumns`. */
export const volumeRestrictions: Plugin = {
  name: "VolumeRestrictions",
  weight: 0,
  usage: { fits: free, reject: () => CONFLICT },
};

function free(cluster: Cluster, usage: Usage, slot: number): boolean {
  const wanted = usage.disksWanted;
  const row = slot * cluster.portColumns;
  for (let i = 0; i < wanted.length; i++) if (cluster.ports[row + (wanted[i] as number)] !== 0) return false;
  return true;
}
