/**
 * What a kubelet may write: itself, without what would bring it others' pods, and the pods that are bound to it. The node authorizer decides by names; this
 * looks at the objects. Source: plugin/pkg/admission/noderestriction of Kubernetes 1.34.
 */
import { MIRROR_ANNOTATION } from "../../../actors/kinds/core/mirror-pod.ts";
import { claimsOf, configMapsOf, secretsOf } from "../../../actors/kinds/core/pod-references.ts";
import { forbidden, notFound } from "../../../actors/kinds/errors.ts";
import type { Node, Pod, ResourceSlice, TokenRequest } from "../../../actors/kinds/generated/types.ts";
import type { Kind } from "../../../actors/kinds/kind.ts";
import { semanticEqual } from "../../../actors/kinds/machinery/equal.ts";
import type { KubeObject } from "../../../actors/kinds/object.ts";
import type { StatusError } from "../../../actors/kinds/status.ts";
import { RUNTIME_LABEL } from "../../../actors/node/runtime.ts";
import type { AdmissionPlugin, AdmissionRequest } from "../../../actors/registry/admission/admission.ts";
import { refusedName } from "../../../actors/registry/admission/admission.ts";
import type { View } from "../../../actors/store/view.ts";

import { nodeOf } from "../identity.ts";

const LEASE_NAMESPACE = "kube-node-lease";
const RESTRICTED = "node-restriction.kubernetes.io";
/** Labels of Kubernetes' own that kubelets set. Source: k8s.io/kubelet/pkg/apis/well_known_labels.go. */
const KUBELET_LABELS: ReadonlySet<string> = new Set([
  "beta.kubernetes.io/arch",
  "beta.kubernetes.io/instance-type",
  "beta.kubernetes.io/os",
  "failure-domain.beta.kubernetes.io/region",
  "failure-domain.beta.kubernetes.io/zone",
  "kubernetes.io/arch",
  "kubernetes.io/hostname",
  "kubernetes.io/os",
  "node.kubernetes.io/instance-type",
  "topology.kubernetes.io/region",
  "topology.kubernetes.io/zone",
]);
const KUBELET_LABEL_DOMAINS = ["kubelet.kubernetes.io", "node.kubernetes.io"];

export const NodeRestriction: AdmissionPlugin = {
  name: "NodeRestriction",
  busy: ({ requester }) => requester !== undefined && nodeOf(requester) !== undefined,
  mutate(request, world) {
    const { requester } = request.options;
    const node = requester === undefined ? undefined : nodeOf(requester);
    if (requester === undefined || node === undefined) return;
    if (node === "") throw refused(request, `could not determine node from user ${JSON.stringify(requester.user)}`);
    const why = wrongWith(node, request, world.view);
    if (why !== undefined) throw typeof why === "string" ? refused(request, why) : why;
  },
};

function refused(request: AdmissionRequest, why: string): StatusError {
  return forbidden(request.kind, refusedName(request), why);
}

function wrongWith(node: string, request: AdmissionRequest, view: View): string | StatusError | undefined {
  switch (request.resource) {
    case "pods":
      return wrongWithPod(node, request, view);
    case "nodes":
      return wrongWithNode(node, request);
    case "persistentvolumeclaims":
      return request.subresource === "status" ? wrongWithClaimStatus(node, request) : "may only update PVC status";
    case "leases.coordination.k8s.io":
      if (request.namespace !== LEASE_NAMESPACE) return `can only access leases in the "${LEASE_NAMESPACE}" system namespace`;
      return request.object.metadata.name === node ? undefined : "can only access node lease with the same name as the requesting node";
    case "csinodes.storage.k8s.io":
      return request.object.metadata.name === node ? undefined : "can only access CSINode with the same name as the requesting node";
    case "resourceslices.resource.k8s.io":
      return wrongWithSlice(node, request);
    default:
      return undefined;
  }
}

/** The rest the authorizer knows by name. */
function wrongWithSlice(node: string, { operation, object, current }: AdmissionRequest): string | undefined {
  if (operation !== "create" && operation !== "delete") return undefined;
  const { spec } = (operation === "create" ? object : (current ?? object)) as ResourceSlice;
  return spec.nodeName === node ? undefined : `can only ${operation} ResourceSlice with the same NodeName as the requesting node`;
}

function wrongWithPod(node: string, request: AdmissionRequest, view: View): string | StatusError | undefined {
  const { operation, subresource } = request;
  const current = request.current as Pod | undefined;
  const who = `node ${JSON.stringify(node)}`;
  if (subresource === "eviction") {
    const pod = view.get<Pod>(`pods/${request.namespace}/${request.name}`);
    if (pod === undefined) return notFound({ group: "", plural: "pods" }, request.name);
    return pod.spec.nodeName === node ? undefined : `node ${node} can only evict pods with spec.nodeName set to itself`;
  }
  if (subresource === "status") {
    if (current?.spec.nodeName !== node) return `${who} can only update pod status for pods with spec.nodeName set to itself`;
    const { metadata, status } = request.object as Pod;
    if (!semanticEqual(metadata.labels, current.metadata.labels)) return `${who} cannot update labels through pod status`;
    const same = semanticEqual(status?.resourceClaimStatuses ?? [], current.status?.resourceClaimStatuses ?? []);
    return same ? undefined : `${who} cannot update resource claim statues`;
  }
  if (subresource !== undefined)
    return `unexpected pod subresource ${JSON.stringify(subresource)}, only 'status' and 'eviction' are allowed`;
  if (operation === "create") return wrongWithMirror(node, who, request.object as Pod, view);
  if (operation === "delete")
    return current?.spec.nodeName === node ? undefined : `${who} can only delete pods with spec.nodeName set to itself`;
  return `unexpected operation "UPDATE", ${who} can only create and delete mirror pods`;
}

/** A node makes pods only to show what it runs anyway, and those may name nothing that it could read by them. */
function wrongWithMirror(node: string, who: string, pod: Pod, view: View): string | StatusError | undefined {
  const { metadata, spec } = pod;
  if (metadata.annotations?.[MIRROR_ANNOTATION] === undefined)
    return `pod does not have ${JSON.stringify(MIRROR_ANNOTATION)} annotation, ${who} can only create mirror pods`;
  if (spec.nodeName !== node) return `${who} can only create pods with spec.nodeName set to itself`;
  const owners = metadata.ownerReferences ?? [];
  const [owner] = owners;
  if (owners.length > 1) return `${who} can only create pods with a single owner reference set to itself`;
  if (owner === undefined || owner.apiVersion !== "v1" || owner.kind !== "Node" || owner.name !== node)
    return `${who} can only create pods with an owner reference set to itself`;
  if (owner.controller !== true) return `${who} can only create pods with a controller owner reference set to itself`;
  if (owner.blockOwnerDeletion === true) return `${who} must not set blockOwnerDeletion on an owner reference`;
  const stored = view.get<Node>(`nodes/${node}`);
  if (stored === undefined) return notFound({ group: "", plural: "nodes" }, node);
  if (owner.uid !== stored.metadata.uid) return `node ${node} UID mismatch: expected ${owner.uid} got ${stored.metadata.uid}`;
  if (spec.serviceAccountName) return `${who} can not create pods that reference a service account`;
  if (namesAny(secretsOf(pod))) return `${who} can not create pods that reference secrets`;
  if (namesAny(configMapsOf(pod))) return `${who} can not create pods that reference configmaps`;
  if ((spec.resourceClaims ?? []).length > 0) return `${who} can not create pods that reference resourceclaims`;
  if (namesAny(claimsOf(pod))) return `${who} can not create pods that reference persistentvolumeclaims`;
  return undefined;
}

function namesAny(names: Iterable<string | undefined>): boolean {
  for (const name of names) if (name !== undefined && name !== "") return true;
  return false;
}

function wrongWithNode(node: string, request: AdmissionRequest): string | undefined {
  const who = `node ${JSON.stringify(node)}`;
  const requested = request.operation === "create" ? request.object.metadata.name : request.name;
  if (requested !== node) return `${who} is not allowed to modify node ${JSON.stringify(requested)}`;
  const next = request.object as Node;
  if (request.operation === "create") {
    const labels = forbiddenLabels(next.metadata.labels, undefined);
    return labels.length === 0 ? undefined : `${who} is not allowed to set the following labels: ${labels.join(", ")}`;
  }
  if (request.operation !== "update") return undefined;
  const current = request.current as Node;
  if (!semanticEqual(next.spec?.taints, current.spec?.taints)) return `${who} is not allowed to modify taints`;
  const labels = forbiddenLabels(next.metadata.labels, current.metadata.labels);
  return labels.length === 0 ? undefined : `is not allowed to modify labels: ${labels.join(", ")}`;
}

type Labels = Readonly<Record<string, string>> | undefined;

/** The labels that differ and that a kubelet does not set. */
function forbiddenLabels(next: Labels = {}, current: Labels = {}): readonly string[] {
  const names = new Set([...Object.keys(next), ...Object.keys(current)]);
  return [...names].filter((name) => next[name] !== current[name] && isForbiddenLabel(name)).sort();
}

function isForbiddenLabel(label: string): boolean {
  // Who has it is played by the cluster itself, on its own machine.
  if (label === RUNTIME_LABEL) return true;
  const slash = label.indexOf("/");
  const domain = slash < 0 ? "" : label.slice(0, slash);
  if (isWithin(domain, RESTRICTED)) return true;
  if (!isWithin(domain, "kubernetes.io") && !isWithin(domain, "k8s.io")) return false;
  return !KUBELET_LABELS.has(label) && !KUBELET_LABEL_DOMAINS.some((one) => isWithin(domain, one));
}

function isWithin(domain: string, of: string): boolean {
  return domain === of || domain.endsWith(`.${of}`);
}

function wrongWithClaimStatus(node: string, { object, current }: AdmissionRequest): string | undefined {
  const withoutStatus = (claim: KubeObject | undefined): object => {
    const { status, metadata, ...rest } = (claim ?? {}) as KubeObject & { readonly status?: Readonly<Record<string, unknown>> };
    const { capacity: _c, conditions: _o, allocatedResourceStatuses: _s, allocatedResources: _r, ...kept } = status ?? {};
    const { resourceVersion: _v, managedFields: _m, ...named } = metadata ?? {};
    return { ...rest, metadata: named, status: kept };
  };
  const same = semanticEqual(withoutStatus(object), withoutStatus(current));
  return same ? undefined : `node ${JSON.stringify(node)} is not allowed to update fields other than status.capacity and status.conditions`;
}

/** Throws 403 for a node that asks for a token of a service account other than for a pod of its own. */
export function admitTokenRequest(kind: Kind, namespace: string, account: string, request: TokenRequest, node: string, view: View): void {
  const why = wrongWithToken(namespace, request, node, view);
  if (why !== undefined) throw typeof why === "string" ? forbidden(kind, account, why) : why;
}

function wrongWithToken(namespace: string, { spec }: TokenRequest, node: string, view: View): string | StatusError | undefined {
  const ref = spec.boundObjectRef;
  if (ref?.apiVersion !== "v1" || ref.kind !== "Pod" || !ref.name) return "node requested token not bound to a pod";
  if (!ref.uid) return "node requested token with a pod binding without a uid";
  const pod = view.get<Pod>(`pods/${namespace}/${ref.name}`);
  if (pod === undefined) return notFound({ group: "", plural: "pods" }, ref.name);
  if (ref.uid !== pod.metadata.uid) {
    return `the UID in the bound object reference (${ref.uid}) does not match the UID in record. The object might have been deleted and then recreated`;
  }
  return pod.spec.nodeName === node ? undefined : "node requested token bound to a pod scheduled on a different node";
}
