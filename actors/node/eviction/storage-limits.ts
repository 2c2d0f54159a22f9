import type { Pod } from "../../kinds/generated/types.ts";
import { parseQuantity, quantityValue } from "../../kinds/machinery/quantity.ts";
import { binary, type Disks, type PodStats } from "./ranking.ts";

const RESOURCE = "ephemeral-storage";

/** Whether any of its containers is limited in what it takes of the disk. */
export function hasStorageLimit({ spec }: Pod): boolean {
  return [...spec.containers, ...(spec.initContainers ?? [])].some(({ resources }) => resources?.limits?.[RESOURCE] !== undefined);
}

/** Why the pod takes too much of the disk; undefined: it does not. Pure. Source: podEphemeralStorageLimitEviction, containerEphemeralStorageLimitEviction. */
export function overStorageLimit(pod: Pod, stats: PodStats, disks: Disks): string | undefined {
  const { containers, volumes } = stats;
  const ofPod = [...containers.flatMap(({ root, logs }) => [root, logs]), ...volumes.values()].reduce((sum, { bytes }) => sum + bytes, 0);
  const limit_bytes = limitOf(pod);
  if (limit_bytes !== undefined && ofPod > limit_bytes)
    return `Pod ephemeral local storage usage exceeds the total limit of containers ${binary(limit_bytes)}. `;
  for (const { name, resources } of pod.spec.containers) {
    const limit = resources?.limits?.[RESOURCE];
    const used = containers.find((each) => each.name === name);
    if (limit === undefined || used === undefined) continue;
    const bytes = used.logs.bytes + (disks === "one" ? used.root.bytes : 0);
    const most = quantityValue(parseQuantity(limit));
    if (most > 0 && bytes > most) return `Container ${name} exceeded its local ephemeral storage limit ${JSON.stringify(limit)}. `;
  }
  return undefined;
}

/** Of all that run at the same time, as far as they have any. Source: component-helpers' PodLimits. */
function limitOf({ spec }: Pod): number | undefined {
  const of = (resources: { readonly limits?: Readonly<Record<string, string>> } | undefined): number => {
    const limit = resources?.limits?.[RESOURCE];
    return limit === undefined ? 0 : quantityValue(parseQuantity(limit));
  };
  let sidecars = 0;
  let starting = 0;
  for (const { resources, restartPolicy } of spec.initContainers ?? []) {
    starting = Math.max(starting, sidecars + of(resources));
    if (restartPolicy === "Always") sidecars += of(resources);
  }
  const main = spec.containers.reduce((sum, { resources }) => sum + of(resources), 0);
  const most = Math.max(starting, sidecars + main);
  return most === 0 ? undefined : most;
}
