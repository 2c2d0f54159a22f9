import { MIRROR_ANNOTATION } from "../../../actors/kinds/core/mirror-pod.ts";
import { refersToDeviceClaim } from "../../../actors/kinds/core/pod-device-claims.ts";
import { refersToClaim, refersToConfigMap, refersToSecret, secretsOfPersistentVolume } from "../../../actors/kinds/core/pod-references.ts";
import type {
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  ResourceSlice,
  VolumeAttachment,
} from "../../../actors/kinds/generated/types.ts";
import { podsByNode } from "../../../actors/pod/pods-by-node.ts";
import type { View } from "../../../actors/store/view.ts";
import type { Identity } from "../identity.ts";
import { nodeOf } from "../identity.ts";
import type { Attributes, ResourceAttributes } from "./attributes.ts";
import type { Authorizer, Decision } from "./authorizer.ts";
import { ALLOWED, NO_OPINION } from "./authorizer.ts";
import { rulesOfDefault } from "./default-roles.ts";

import { anyAllows } from "./rules.ts";

const LEASE_NAMESPACE = "kube-node-lease";
const OWN_VERBS: ReadonlySet<string> = new Set(["get", "create", "update", "patch", "delete"]);

type Found = (pod: Pod) => boolean;

/**
 * What kubelets may do: of secrets, config maps, claims, volumes and service accounts only what their own pods name, of slices of devices their own, and of the
 * rest what the role system:node says. Who is related to what is looked up in the pods of the one node when it is asked, not kept for all of them.
 * Source: https://kubernetes.io/docs/reference/access-authn-authz/node/ and plugin/pkg/auth/authorizer/node of Kubernetes 1.34.
 */
export class NodeAuthorizer implements Authorizer {
  readonly #view: View;
  readonly #rules = rulesOfDefault("system:node");
  #indexed = false;

  constructor(view: View) {
    this.#view = view;
  }

  authorize(identity: Identity, attributes: Attributes): Decision {
    const node = nodeOf(identity);
    if (node === undefined) return NO_OPINION;
    if (node === "") return because(`unknown node for user ${JSON.stringify(identity.user)}`);
    const special = attributes.type === "page" ? undefined : this.#ofResource(node, attributes);
    return special ?? (anyAllows(this.#rules, attributes) ? ALLOWED : NO_OPINION);
  }

  /** Undefined for resources that all nodes may use alike. */
  #ofResource(node: string, asked: ResourceAttributes): Decision | undefined {
    const { namespace, name } = asked;
    switch (asked.group === "" ? asked.resource : `${asked.resource}.${asked.group}`) {
      case "secrets":
        return this.#read(node, asked, () => this.#hasSecret(node, namespace, name));
      case "configmaps":
        return this.#read(node, asked, () => this.#hasPod(node, namespace, (pod) => refersToConfigMap(pod, name)));
      case "persistentvolumeclaims":
        return this.#claim(node, asked);
      case "persistentvolumes":
        return this.#get(node, asked, () => this.#hasVolume(node, this.#view.get<PersistentVolume>(`persistentvolumes/${name}`)));
      case "volumeattachments.storage.k8s.io":
        return this.#get(node, asked, () => {
          const attachment = this.#view.get<VolumeAttachment>(`volumeattachments.storage.k8s.io/${name}`);
          return attachment?.spec.nodeName === node;
        });
      case "serviceaccounts":
        return this.#token(node, asked);
      case "leases.coordination.k8s.io":
        return ownLease(node, asked);
      case "csinodes.storage.k8s.io":
        return ownCsiNode(node, asked);
      case "resourceclaims.resource.k8s.io":
        return this.#get(node, asked, () => this.#hasPod(node, namespace, (pod) => refersToDeviceClaim(pod, name)));
      case "resourceslices.resource.k8s.io":
        return this.#slice(node, asked);
      case "nodes":
        return ownNode(node, asked);
      case "pods":
        return this.#pods(node, asked);
      default:
        return undefined;
    }
  }

  #read(node: string, { verb, subresource, namespace, name }: ResourceAttributes, related: () => boolean): Decision {
    if (verb !== "get" && verb !== "list" && verb !== "watch") return because("can only read resources of this type");
    if (subresource !== "") return because("cannot read subresource");
    if (namespace === "") return because("can only read namespaced object of this type");
    return ifRelated(node, name, related);
  }

  #get(node: string, { verb, subresource, name }: ResourceAttributes, related: () => boolean): Decision {
    if (verb !== "get") return because("can only get individual resources of this type");
    if (subresource !== "") return because("cannot get subresource");
    return ifRelated(node, name, related);
  }

  #claim(node: string, asked: ResourceAttributes): Decision {
    const { verb, subresource, namespace, name } = asked;
    const related = (): boolean => this.#hasPod(node, namespace, (pod) => refersToClaim(pod, name));
    if (subresource !== "status") return this.#get(node, asked, related);
    return verb === "update" || verb === "patch" ? ifRelated(node, name, related) : because("can only get/update/patch this type");
  }

  /** Of a new slice the admission looks at whose it is. */
  #slice(node: string, asked: ResourceAttributes): Decision {
    const { verb, subresource, name } = asked;
    if (subresource !== "") return because("cannot authorize ResourceSlice subresources");
    switch (verb) {
      case "create":
        return ALLOWED;
      case "get":
      case "update":
      case "patch":
      case "delete":
        return ifRelated(node, name, () => this.#view.get<ResourceSlice>(`resourceslices.resource.k8s.io/${name}`)?.spec.nodeName === node);
      case "watch":
      case "list":
      case "deletecollection":
        if (selects(asked.query, "spec.nodeName", node)) return ALLOWED;
        return because("can only list/watch/deletecollection resourceslices with nodeName field selector");
      default:
        return because(
          "only the following verbs are allowed for a ResourceSlice: get, watch, list, create, update, patch, delete, deletecollection",
        );
    }
  }

  #token(node: string, { verb, subresource, namespace, name }: ResourceAttributes): Decision {
    if (verb !== "create" || name === "") return because("can only create tokens for individual service accounts");
    if (subresource !== "token") return because("can only create token subresource of serviceaccount");
    return ifRelated(node, name, () => this.#hasPod(node, namespace, ({ spec }) => spec.serviceAccountName === name));
  }

  #pods(node: string, asked: ResourceAttributes): Decision {
    const { verb, subresource, namespace, name } = asked;
    const own = (): boolean => this.#view.get<Pod>(`pods/${namespace}/${name}`)?.spec.nodeName === node;
    switch (`${verb} ${subresource}`) {
      case "get ":
        return ifRelated(node, name, own);
      case "list ":
      case "watch ":
        if (selects(asked.query, "spec.nodeName", node)) return ALLOWED;
        return name === "" ? because("can only list/watch pods with spec.nodeName field selector") : ifRelated(node, name, own);
      case "create ":
      case "delete ":
      case "update status":
      case "patch status":
      case "create eviction":
        return ALLOWED;
      default:
        return NO_OPINION;
    }
  }

  #hasSecret(node: string, namespace: string, name: string): boolean {
    if (this.#hasPod(node, namespace, (pod) => refersToSecret(pod, name))) return true;
    return this.#view.list("persistentvolumes").some((entry) => {
      const volume = this.#view.decode<PersistentVolume>(entry);
      for (const secret of secretsOfPersistentVolume(volume)) {
        if (secret.name === name && secret.namespace === namespace) return this.#hasVolume(node, volume);
      }
      return false;
    });
  }

  #hasVolume(node: string, volume: PersistentVolume | undefined): boolean {
    const { namespace = "", name = "" } = volume?.spec.claimRef ?? {};
    const claim = this.#view.get<PersistentVolumeClaim>(`persistentvolumeclaims/${namespace}/${name}`);
    return claim !== undefined && this.#hasPod(node, namespace, (pod) => refersToClaim(pod, name));
  }

  /** Whether the node has a pod in the namespace that it holds of, other than one that the node brought itself. */
  #hasPod(node: string, namespace: string, holds: Found): boolean {
    if (!this.#indexed) this.#view.index(podsByNode);
    this.#indexed = true;
    return this.#view.byIndex(podsByNode.name, node).some((entry) => {
      if (!entry.key.startsWith(`pods/${namespace}/`)) return false;
      const pod = this.#view.decode<Pod>(entry);
      return pod.spec.nodeName === node && pod.metadata.annotations?.[MIRROR_ANNOTATION] === undefined && holds(pod);
    });
  }
}

function because(reason: string): Decision {
  return { allowed: false, reason };
}

function ifRelated(node: string, name: string, related: () => boolean): Decision {
  if (name === "") return because("No Object name found");
  return related() ? ALLOWED : because(`no relationship found between node '${node}' and this object`);
}

function ownLease(node: string, { verb, namespace, name }: ResourceAttributes): Decision {
  if (!OWN_VERBS.has(verb)) return because("can only get, create, update, patch, or delete a node lease");
  if (namespace !== LEASE_NAMESPACE) return because(`can only access leases in the "${LEASE_NAMESPACE}" system namespace`);
  // A name is not known before there is an object: the admission looks at it.
  if (verb !== "create" && name !== node) return because("can only access node lease with the same name as the requesting node");
  return ALLOWED;
}

function ownCsiNode(node: string, { verb, subresource, name }: ResourceAttributes): Decision {
  if (!OWN_VERBS.has(verb)) return because("can only get, create, update, patch, or delete a CSINode");
  if (subresource !== "") return because("cannot authorize CSINode subresources");
  if (verb !== "create" && name !== node) return because("can only access CSINode with the same name as the requesting node");
  return ALLOWED;
}

/** Which node is written, the admission looks at. */
function ownNode(node: string, { verb, subresource, name }: ResourceAttributes): Decision {
  const writes = verb === "update" || verb === "patch";
  if (subresource === "status") return writes ? ALLOWED : NO_OPINION;
  if (subresource !== "") return NO_OPINION;
  if (writes || verb === "create") return ALLOWED;
  if (verb !== "get" && verb !== "list" && verb !== "watch") return NO_OPINION;
  if (name === node) return ALLOWED;
  return because(
    name === ""
      ? `node '${node}' cannot read all nodes, only its own Node object`
      : `node '${node}' cannot read '${name}', only its own Node object`,
  );
}

function selects(query: URLSearchParams | undefined, field: string, value: string): boolean {
  const terms = query?.get("fieldSelector")?.split(",") ?? [];
  return terms.some((term) => term === `${field}=${value}` || term === `${field}==${value}`);
}
