import type { EmptyDirVolumeSource, Pod } from "../../kinds/generated/types.ts";
import { parseQuantity, quantityValue } from "../../kinds/machinery/quantity.ts";
import { diskUse } from "../disk-use.ts";

/** An emptyDir that may hold no more than so much. */
export interface Limited {
  readonly volume: string;
  readonly path: string;
  /** As it is written. */
  readonly sizeLimit: string;
}

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
    if ((await diskUse(path)).bytes > quantityValue(parseQuantity(sizeLimit)))
      return `Usage of EmptyDir volume ${JSON.stringify(volume)} exceeds the limit ${JSON.stringify(sizeLimit)}. `;
  }
  return undefined;
}
