import { deviceClaimNames } from "../../kinds/core/pod-device-claims.ts";
import type { Pod } from "../../kinds/generated/types.ts";
import { resourceOf } from "../../kinds/kind.ts";
import { ResourceClaimKind } from "../../kinds/resource/resource-claim.ts";
import { decodeObject } from "../../kinds/text.ts";
import type { Entry, IndexDefinition } from "../../store/view.ts";
import { NO_KEYS } from "../controller.ts";

export const DEVICE_CLAIMS: string = resourceOf(ResourceClaimKind);

/** Most pods use no devices, which their text says. The pattern begins with a character that texts have few of. */
export function mayClaimDevices({ text }: Entry): boolean {
  return text.includes('Claims":[{');
}

/** The keys of the claims that a pod uses, as far as there are any by now. */
export function deviceClaimKeys(pod: Pod): string[] {
  return deviceClaimNames(pod).map((name) => `${DEVICE_CLAIMS}/${pod.metadata.namespace ?? ""}/${name}`);
}

export const podsByDeviceClaim: IndexDefinition = {
  name: "pods-by-device-claim",
  resource: "pods",
  values: (pod) => deviceClaimKeys(pod as Pod),
  valuesOfText: (entry) => (mayClaimDevices(entry) ? deviceClaimKeys(decodeObject<Pod>(entry.text, entry.revision)) : NO_KEYS),
};
