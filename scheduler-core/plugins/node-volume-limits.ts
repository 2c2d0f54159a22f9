import type { Cluster } from "../cluster.ts";
import { TOO_MANY_VOLUMES } from "../reason.ts";
import type { Usage } from "../usage.ts";
import type { Plugin, Rejection } from "./plugin.ts";

const FULL: Rejection = { reasons: [TOO_MANY_VOLUMES], resolvable: true };

/** A node attaches only as many volumes of a driver as its CSINode says; one that several pods use counts once. */
export const nodeVolumeLimits: Plugin = {
  name: "NodeVolumeLimits",
  weight: 0,
  usage: { fits, reject: () => FULL },
};

function fits(cluster: Cluster, { attachments }: Usage, slot: number): boolean {
  if (attachments === undefined) return true;
  const { columns, amounts, held } = attachments;
  const here = held.get(slot);
  for (let i = 0; i < columns.length; i++) {
    const limit = cluster.allocatable(slot, columns[i] as number) - 1;
    const more = (amounts[i] as number) - (here?.[i] ?? 0);
    if (limit >= 0 && more > 0 && cluster.requested(slot, columns[i] as number) + more > limit) return false;
  }
  return true;
}
