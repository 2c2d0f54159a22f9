/** Which claims on devices a pod uses. Source: k8s.io/dynamic-resource-allocation/resourceclaim. */
import type { Pod, PodResourceClaim, ResourceResourceClaim as ResourceClaim } from "../generated/types.ts";

/** A claim of the pod. */
export interface NamedDeviceClaim {
  /** Undefined: it turned out not to be needed. */
  readonly name: string | undefined;
  /** It was made for the pod, and must be its own. */
  readonly made: boolean;
}

/** What the claim of the pod is called, or why nobody knows. */
export function deviceClaimOf(
  pod: Pod,
  { name, resourceClaimName, resourceClaimTemplateName }: PodResourceClaim,
): NamedDeviceClaim | string {
  if (resourceClaimName !== undefined) return { name: resourceClaimName, made: false };
  const who = `pod "${pod.metadata.namespace}/${pod.metadata.name}"`;
  if (resourceClaimTemplateName === undefined)
    return `${who}, spec.resourceClaim ${JSON.stringify(name)}: none of the supported fields are set`;
  const status = pod.status?.resourceClaimStatuses?.find((one) => one.name === name);
  return status === undefined ? `${who}: ResourceClaim not created yet` : { name: status.resourceClaimName, made: true };
}

/** The names of those that are known by now. */
export function deviceClaimNames(pod: Pod): string[] {
  return (pod.spec.resourceClaims ?? []).flatMap((podClaim) => {
    const claim = deviceClaimOf(pod, podClaim);
    return typeof claim === "string" || claim.name === undefined ? [] : [claim.name];
  });
}

export function refersToDeviceClaim(pod: Pod, name: string): boolean {
  return deviceClaimNames(pod).includes(name);
}

/** Why a claim is not the one that was made for the pod; undefined when it is. */
export function foreignClaim(pod: Pod, { metadata }: ResourceClaim): string | undefined {
  const owner = metadata.ownerReferences?.find(({ controller }) => controller === true);
  if (metadata.namespace === pod.metadata.namespace && owner?.uid === pod.metadata.uid) return undefined;
  const who = `${pod.metadata.namespace}/${pod.metadata.name}`;
  return `ResourceClaim ${metadata.namespace}/${metadata.name} was not created for pod ${who} (pod is not owner)`;
}

export function isReservedFor({ status }: ResourceClaim, { metadata }: Pod): boolean {
  return (status?.reservedFor ?? []).some(({ uid }) => uid === metadata.uid);
}
