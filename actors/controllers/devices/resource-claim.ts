import { PodKind } from "../../kinds/core/pod.ts";
import { deviceClaimOf, foreignClaim, isReservedFor } from "../../kinds/core/pod-device-claims.ts";
import { isTerminal } from "../../kinds/core/pod-phase.ts";
import type {
  Pod,
  PodResourceClaim,
  PodResourceClaimStatus,
  ResourceResourceClaim as ResourceClaim,
  ResourceClaimConsumerReference,
  ResourceClaimTemplate,
} from "../../kinds/generated/types.ts";
import { partsOf, resourceOf } from "../../kinds/kind.ts";
import { DELETE_PROTECTION } from "../../kinds/resource/allocation.ts";
import { ResourceClaimKind } from "../../kinds/resource/resource-claim.ts";
import { ResourceClaimTemplateKind } from "../../kinds/resource/resource-claim-template.ts";
import { controllerAccount } from "../../registry/authors.ts";
import type { Change, View } from "../../store/view.ts";
import { create, modify, modifyStatus, newMeta, regarding, remove, warning } from "../actions.ts";
import { type Action, type Controller, LOOK_AGAIN, NO_KEYS, NOTHING } from "../controller.ts";
import { controlledBy, controllerIndex, controllerOf, controllerReference } from "../ownership.ts";
import { DEVICE_CLAIMS, deviceClaimKeys, mayClaimDevices, podsByDeviceClaim } from "./device-claim-index.ts";

const TEMPLATES = resourceOf(ResourceClaimTemplateKind);
/** Says for which of the pod's claims a claim was made. */
const CLAIM_ANNOTATION = "resource.kubernetes.io/pod-claim-name";
/** Room for a hyphen and five characters in a name of 63. */
const BASE_BYTES_MAX = 57;

/**
 * Makes the claims that pods want from templates, and tells the pods; takes claims from pods that do not run any more, and gives back the devices of those that nobody
 * uses. Its keys are those of pods and of claims. Source: pkg/controller/resourceclaim and
 * https://kubernetes.io/docs/concepts/scheduling-eviction/dynamic-resource-allocation/
 */
export const resourceClaimController: Controller = {
  name: "resource-claim",
  component: "resource_claim",
  author: controllerAccount("resource-claim-controller"),
  indexes: [podsByDeviceClaim, controllerIndex(DEVICE_CLAIMS)],
  watches: [
    { resource: "pods", keys: keysOfPod },
    { resource: DEVICE_CLAIMS, keys: keysOfClaim },
    { resource: TEMPLATES, keys: keysOfTemplate },
  ],
  reconcile: (view, key) => (key.startsWith(`${DEVICE_CLAIMS}/`) ? reconcileClaim(view, key) : reconcilePod(view, key)),
};

function keysOfPod({ now, before }: Change, view: View): readonly string[] {
  const entry = now ?? before;
  if (entry === undefined || !mayClaimDevices(entry)) return NO_KEYS;
  const pod = view.decode<Pod>(entry);
  const claims = now === undefined || isDone(pod) ? deviceClaimKeys(pod) : NO_KEYS;
  return now === undefined ? claims : [now.key, ...claims];
}

function keysOfClaim({ now, before }: Change, view: View): readonly string[] {
  const key = (now ?? before)?.key;
  if (key === undefined) return NO_KEYS;
  const pods = view.byIndex(podsByDeviceClaim.name, key).map((entry) => entry.key);
  return now === undefined ? pods : [key, ...pods];
}

/** A pod may have come before its template. */
function keysOfTemplate({ now, before }: Change, view: View): readonly string[] {
  if (now === undefined || before !== undefined) return NO_KEYS;
  return view
    .list("pods", partsOf(now.key).namespace)
    .filter(mayClaimDevices)
    .map(({ key }) => key);
}

/** Whether the pod runs no more, or never will. */
function isDone(pod: Pod): boolean {
  return isTerminal(pod) || (pod.metadata.deletionTimestamp !== undefined && !pod.spec.nodeName);
}

function reconcilePod(view: View, key: string): readonly Action[] {
  const pod = view.get<Pod>(key);
  if (pod === undefined || pod.metadata.deletionTimestamp !== undefined) return NOTHING;
  const made: PodResourceClaimStatus[] = [];
  for (const podClaim of pod.spec.resourceClaims ?? []) {
    const wanted = claimToMake(view, pod, podClaim);
    if (wanted === undefined) continue;
    if (typeof wanted !== "string") return wanted;
    made.push({ name: podClaim.name, resourceClaimName: wanted });
  }
  const told = made.length === 0 ? NOTHING : [modifyStatus(PodKind, pod, (current) => withStatuses(current, made))];
  return [...told, ...(pod.spec.nodeName ? reservations(view, pod) : NOTHING)];
}

/** The name of a claim that there is, which the pod has not been told yet, or what makes one; undefined: nothing is missing. */
function claimToMake(view: View, pod: Pod, podClaim: PodResourceClaim): string | readonly Action[] | undefined {
  const { name, resourceClaimTemplateName: templateName } = podClaim;
  if (templateName === undefined) return undefined;
  const { namespace = "", uid } = pod.metadata;
  const known = deviceClaimOf(pod, podClaim);
  if (typeof known !== "string") {
    if (known.name === undefined) return undefined;
    const claim = view.get<ResourceClaim>(`${DEVICE_CLAIMS}/${namespace}/${known.name}`);
    if (claim !== undefined && foreignClaim(pod, claim) === undefined) return undefined;
  }
  const own = controlledBy(view, DEVICE_CLAIMS, uid).map((entry) => view.decode<ResourceClaim>(entry));
  const found = own.find(({ metadata }) => metadata.annotations?.[CLAIM_ANNOTATION] === name);
  if (found !== undefined) return found.metadata.name;
  const failed = (why: string) => warning(regarding(PodKind, pod), "FailedResourceClaimCreation", `PodResourceClaim ${name}: ${why}`);
  const template = view.get<ResourceClaimTemplate>(`${TEMPLATES}/${namespace}/${templateName}`);
  if (template === undefined) {
    const why = `resource claim template ${JSON.stringify(templateName)}: resourceclaimtemplate.resource.k8s.io ${JSON.stringify(templateName)} not found`;
    return [{ do: "event", note: failed(why) }];
  }
  const { labels, annotations } = template.spec.metadata ?? {};
  const claim: ResourceClaim = structuredClone({
    metadata: newMeta({
      generateName: baseName(pod.metadata.name, name),
      namespace,
      ...(labels === undefined ? {} : { labels }),
      annotations: { ...annotations, [CLAIM_ANNOTATION]: name },
      ownerReferences: [controllerReference(PodKind, pod)],
    }),
    spec: template.spec.spec,
  });
  return [create(ResourceClaimKind, claim, { refused: failed("create ResourceClaim : {error}") }), LOOK_AGAIN];
}

/** Both names in what room there is. */
function baseName(pod: string, claim: string): string {
  const whole = `${pod}-${claim}-`;
  if (whole.length <= BASE_BYTES_MAX) return whole;
  const part = (name: string): string => name.slice(0, Math.floor((name.length * BASE_BYTES_MAX) / whole.length));
  return `${part(pod)}-${part(claim)}`;
}

function withStatuses(pod: Pod, made: readonly PodResourceClaimStatus[]): Pod {
  const names = new Set(made.map(({ name }) => name));
  const others = (pod.status?.resourceClaimStatuses ?? []).filter(({ name }) => !names.has(name));
  return { ...pod, status: { ...pod.status, resourceClaimStatuses: [...others, ...made] } };
}

/** A pod that came to its node past the scheduler uses what is allocated, if it may. */
function reservations(view: View, pod: Pod): readonly Action[] {
  return deviceClaimKeys(pod).flatMap((key) => {
    const claim = view.get<ResourceClaim>(key);
    if (claim?.status?.allocation === undefined || isReservedFor(claim, pod) || isDone(pod)) return [];
    const made = pod.spec.resourceClaims?.some(
      (one) => one.resourceClaimTemplateName !== undefined && nameOf(pod, one) === claim.metadata.name,
    );
    if (made === true && foreignClaim(pod, claim) !== undefined) return [];
    const consumer = { resource: "pods", name: pod.metadata.name, uid: pod.metadata.uid };
    return [
      modifyStatus(ResourceClaimKind, claim, (current) => {
        if (current.status?.allocation === undefined || isReservedFor(current, pod)) return undefined;
        return { ...current, status: { ...current.status, reservedFor: [...(current.status.reservedFor ?? []), consumer] } };
      }),
    ];
  });
}

function nameOf(pod: Pod, podClaim: PodResourceClaim): string | undefined {
  const claim = deviceClaimOf(pod, podClaim);
  return typeof claim === "string" ? undefined : claim.name;
}

function reconcileClaim(view: View, key: string): readonly Action[] {
  const claim = view.get<ResourceClaim>(key);
  if (claim === undefined) return NOTHING;
  const { namespace = "", deletionTimestamp, finalizers = [] } = claim.metadata;
  const reserved = claim.status?.reservedFor ?? [];
  const over = reserved.filter((consumer) => !stillUses(view, namespace, consumer));
  const free = over.length === reserved.length;
  const isProtected = finalizers.includes(DELETE_PROTECTION);
  const steps: Action[] = [];
  if (over.length > 0 || (isProtected && free && deletionTimestamp !== undefined && claim.status?.allocation !== undefined))
    steps.push(modifyStatus(ResourceClaimKind, claim, (current) => released(current, over)));
  const goes = isProtected && free && (over.length > 0 || deletionTimestamp !== undefined);
  if (goes) steps.push(modify(ResourceClaimKind, claim, unprotected));
  if (free && deletionTimestamp === undefined && isLeftOver(view, claim)) steps.push(remove(ResourceClaimKind, claim));
  return steps.length < 2 ? steps : [{ do: "inOrder", steps }];
}

function stillUses(view: View, namespace: string, { apiGroup = "", resource, name, uid }: ResourceClaimConsumerReference): boolean {
  // Who else may use claims nobody says, and so nobody says when they do no more.
  if (apiGroup !== "" || resource !== "pods") throw new Error(`unsupported ReservedFor entry: ${resource} ${name}`);
  const pod = view.get<Pod>(`pods/${namespace}/${name}`);
  return pod !== undefined && pod.metadata.uid === uid && !isDone(pod);
}

/** Without those that use it no more; its devices go with the last of them, where this controller protects it. */
function released(claim: ResourceClaim, over: readonly ResourceClaimConsumerReference[]): ResourceClaim | undefined {
  const uids = new Set(over.map(({ uid }) => uid));
  const { reservedFor = [], allocation, ...status } = claim.status ?? {};
  const left = reservedFor.filter(({ uid }) => !uids.has(uid));
  const kept = left.length > 0 || claim.metadata.finalizers?.includes(DELETE_PROTECTION) !== true;
  return {
    ...claim,
    status: { ...status, ...(kept && allocation !== undefined ? { allocation } : {}), ...(left.length === 0 ? {} : { reservedFor: left }) },
  };
}

function unprotected(claim: ResourceClaim): ResourceClaim | undefined {
  const { finalizers = [] } = claim.metadata;
  if (claim.status?.allocation !== undefined || !finalizers.includes(DELETE_PROTECTION)) return undefined;
  return { ...claim, metadata: { ...claim.metadata, finalizers: finalizers.filter((one) => one !== DELETE_PROTECTION) } };
}

/** One that was made for a pod that does not run any more, or is another by now; of a pod that is gone the garbage collector knows. */
function isLeftOver(view: View, claim: ResourceClaim): boolean {
  const owner = controllerOf(claim);
  if (owner?.apiVersion !== "v1" || owner.kind !== "Pod") return false;
  const pod = view.get<Pod>(`pods/${claim.metadata.namespace}/${owner.name}`);
  return pod !== undefined && (pod.metadata.uid !== owner.uid || isDone(pod));
}
