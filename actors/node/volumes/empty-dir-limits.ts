import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import type { EmptyDirVolumeSource, Pod } from "../../kinds/generated/types.ts";
import { parseQuantity, quantityValue } from "../../kinds/machinery/quantity.ts";

/** An emptyDir that may hold no more than so much. */
export interface Limited {
  readonly volume: string;
  readonly path: string;
  /** As it is written. */
  readonly sizeLimit: string;
}

const BLOCK_BYTES = 512;

export function limitedOf({ spec }: Pod, pathOf: (volume: string, source: EmptyDirVolumeSource) => string): readonly Limited[] {
  return (spec.volumes ?? []).flatMap(({ name, emptyDir }) => {
    const { sizeLimit } = emptyDir ?? {};
    if (emptyDir === undefined || sizeLimit === undefined || quantityValue(parseQuantity(sizeLimit)) <= 0) return [];
    return [{ volume: name, path: pathOf(name, emptyDir), sizeLimit }];
  });
}

/** Which one holds more, in kubelet's words; undefined: none. Source: emptyDirLimitEviction. */
export async function overLimit(limited: readonly Limited[]): Promise<string | undefined> {
  for (const { volume, path, sizeLimit } of limited) {
    if ((await usedBytes(path)) > quantityValue(parseQuantity(sizeLimit)))
      return `Usage of EmptyDir volume ${JSON.stringify(volume)} exceeds the limit ${JSON.stringify(sizeLimit)}. `;
  }
  return undefined;
}

/** What is on the disk, as du(1) counts it; what goes while one looks counts nothing. */
async function usedBytes(path: string): Promise<number> {
  const about = await lstat(path).catch(() => undefined);
  if (about === undefined) return 0;
  let used = about.blocks * BLOCK_BYTES;
  if (!about.isDirectory()) return used;
  for (const name of await readdir(path).catch(() => [])) used += await usedBytes(join(path, name));
  return used;
}
