import { DeploymentKind } from "../kinds/apps/deployment.ts";
import { ReplicaSetKind } from "../kinds/apps/replica-set.ts";
import { type Kind, resourceOf, splitApiVersion } from "../kinds/kind.ts";
import type { KubeObject, OwnerReference } from "../kinds/object.ts";
import { scaleOf } from "../registry/scale.ts";
import type { View } from "../store/view.ts";
import type { Ownership } from "./garbage/garbage-owners.ts";
import { controllerOf } from "./ownership.ts";
import type { PodFacts } from "./pods/pod-facts.ts";

/** How many pods the controllers of some pods want together, and whether some pods have none; or why that cannot be said. */
export type ExpectedScale = { readonly expected: number; readonly unmanaged: boolean } | { readonly error: string };

/** Source: getExpectedScale. */
export function expectedScale(view: View, ownership: Ownership, pods: readonly PodFacts[]): ExpectedScale {
  const scales = new Map<string, number>();
  const seen = new Set<string>();
  let unmanaged = false;
  for (const pod of pods) {
    if (pod.controllerUid === undefined) {
      unmanaged = true;
      continue;
    }
    if (seen.has(pod.controllerUid)) continue;
    seen.add(pod.controllerUid);
    const found = scaleOfController(view, ownership, view.decode(pod.entry));
    if (found === undefined) return { error: `found no controllers for pod ${JSON.stringify(pod.name)}` };
    if ("error" in found) return found;
    scales.set(found.uid, found.replicas);
  }
  let expected = 0;
  for (const replicas of scales.values()) expected += replicas;
  return { expected, unmanaged };
}

type Found = { readonly uid: string; readonly replicas: number } | { readonly error: string } | undefined;

/** Of a set that a Deployment rolls out the Deployment counts, as long as it is there; nobody else above a controller does. Source: the disruption controller's finders. */
function scaleOfController(view: View, ownership: Ownership, pod: KubeObject): Found {
  const reference = controllerOf(pod);
  if (reference === undefined) return undefined;
  const place = ownership.placeOf(reference, pod.metadata);
  const kind = typeof place === "string" ? undefined : ownership.kindOf(place.key);
  if (kind === undefined) {
    return { error: `no matches for kind ${JSON.stringify(reference.kind)} in version ${JSON.stringify(reference.apiVersion)}` };
  }
  if (!kind.subresources.some(({ name }) => name === "scale")) {
    return { error: `${resourceOf(kind)} does not implement the scale subresource` };
  }
  const owner = ownerOf(view, ownership, reference, pod);
  const above = owner !== undefined && resourceOf(kind) === resourceOf(ReplicaSetKind) ? controllerOf(owner) : undefined;
  const deployment = above !== undefined && isDeployment(above) ? ownerOf(view, ownership, above, pod) : undefined;
  return deployment === undefined ? replicasOf(kind, owner) : replicasOf(DeploymentKind as unknown as Kind, deployment);
}

function ownerOf(view: View, ownership: Ownership, reference: OwnerReference, dependent: KubeObject): KubeObject | undefined {
  const place = ownership.placeOf(reference, dependent.metadata);
  const owner = typeof place === "string" ? undefined : view.get<KubeObject>(place.key);
  return owner?.metadata.uid === reference.uid ? owner : undefined;
}

function isDeployment({ apiVersion, kind }: OwnerReference): boolean {
  return kind === DeploymentKind.kind && splitApiVersion(apiVersion)[0] === DeploymentKind.group;
}

function replicasOf(kind: Kind, owner: KubeObject | undefined): Found {
  if (owner === undefined) return undefined;
  try {
    return { uid: owner.metadata.uid, replicas: scaleOf(kind, owner).spec?.replicas ?? 0 };
  } catch (error) {
    return { error: (error as Error).message };
  }
}
