/** The claims on devices of a pod that waits. Source: foreachPodResourceClaim of the plugin DynamicResources. */
import { deviceClaimOf, foreignClaim } from "../../kinds/core/pod-device-claims.ts";
import type { Pod, ResourceResourceClaim as ResourceClaim } from "../../kinds/generated/types.ts";
import { resourceOf } from "../../kinds/kind.ts";
import { ResourceClaimKind } from "../../kinds/resource/resource-claim.ts";
import type { Objects } from "../objects.ts";

export const DYNAMIC_RESOURCES = "DynamicResources";
export const DEVICE_CLAIMS: string = resourceOf(ResourceClaimKind);

/** Their keys; why the pod is not to be tried yet; or undefined: it claims none. */
export function readPodClaims(view: Objects, pod: Pod): readonly string[] | { readonly notYet: string } | undefined {
  const { resourceClaims = [] } = pod.spec;
  const keys: string[] = [];
  for (const podClaim of resourceClaims) {
    const named = deviceClaimOf(pod, podClaim);
    if (typeof named === "string") return { notYet: named };
    if (named.name === undefined) continue;
    const key = `${DEVICE_CLAIMS}/${pod.metadata.namespace}/${named.name}`;
    const claim = view.get<ResourceClaim>(key);
    const why =
      claim === undefined ? `resourceclaim.resource.k8s.io ${JSON.stringify(named.name)} not found` : wrongWith(pod, claim, named.made);
    if (why !== undefined) return { notYet: why };
    keys.push(key);
  }
  return keys.length === 0 ? undefined : keys;
}

function wrongWith(pod: Pod, claim: ResourceClaim, made: boolean): string | undefined {
  if (claim.metadata.deletionTimestamp !== undefined) return `resourceclaim ${JSON.stringify(claim.metadata.name)} is being deleted`;
  return made ? foreignClaim(pod, claim) : undefined;
}
