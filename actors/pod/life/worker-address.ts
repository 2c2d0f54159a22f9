import { type Address, addressOf } from "../../../runtime/mod.ts";
import { MIRROR_ANNOTATION } from "../../kinds/core/mirror-pod.ts";
import type { Pod } from "../../kinds/generated/types.ts";

/** Who knows what runs of a pod: of a mirror it is the static pod that it shows. What a mirror says of itself, whoever asks has that one check. */
export function workerOf({ metadata }: Pod): Address {
  return addressOf("pod", metadata.annotations?.[MIRROR_ANNOTATION] ?? metadata.uid);
}
