import type { Cluster } from "../cluster.ts";
import { timesIn } from "../domain-counter.ts";
import type { PodClass } from "../pod-class.ts";
import { DISK_CONFLICT, NO_REASON, READ_WRITE_ONCE_POD } from "../reason.ts";
import type { Usage } from "../usage.ts";
import type { PeerFilter, Plugin, Rejection } from "./plugin.ts";

const CONFLICT: Rejection = { reasons: [DISK_CONFLICT], resolvable: true };

/**
 * Disks that may be written from one pod of a node only, counted like host ports (see `PortColumns`), and claims with ReadWriteOncePod, which
 * one pod of the whole cluster may use: while another does, no node will do.
 */
export const volumeRestrictions: Plugin = {
  name: "VolumeRestrictions",
  weight: 0,
  usage: { fits: free, reject: () => CONFLICT },
  peers: {
    concerns: (cluster, { relations }) => relations?.exclusive.some((mark) => cluster.markTotals[mark] !== 0) === true,
    filter: exclusively,
    helpedBy: ({ lowered }, { exclusive }) => exclusive.some((mark) => lowered.has(mark)),
    score: () => undefined,
  },
};

function free(cluster: Cluster, usage: Usage, slot: number): boolean {
  const wanted = usage.disksWanted;
  const row = slot * cluster.portColumns;
  for (let i = 0; i < wanted.length; i++) if (cluster.ports[row + (wanted[i] as number)] !== 0) return false;
  return true;
}

function exclusively(cluster: Cluster, { relations }: PodClass): PeerFilter | undefined {
  const marks = relations?.exclusive ?? [];
  if (marks.length === 0) return undefined;
  let users = 0;
  for (const mark of marks) users += cluster.markTotals[mark] as number;
  return {
    reject: () => (users > 0 ? READ_WRITE_ONCE_POD : NO_REASON),
    moved: (_, raised, sign) => {
      for (const mark of marks) users += sign * timesIn(raised, mark);
    },
  };
}
