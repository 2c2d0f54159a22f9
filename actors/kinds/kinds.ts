/** The explicit list of the built-in kinds, and the table in which all kinds are found; custom resources add rows while it runs. */
import { MutatingWebhookConfigurationKind } from "./admissionregistration/mutating-webhook-configuration.ts";
import { ValidatingAdmissionPolicyKind } from "./admissionregistration/validating-admission-policy.ts";
import { ValidatingAdmissionPolicyBindingKind } from "./admissionregistration/validating-admission-policy-binding.ts";
import { ValidatingWebhookConfigurationKind } from "./admissionregistration/validating-webhook-configuration.ts";
import { CustomResourceDefinitionKind } from "./apiextensions/custom-resource-definition.ts";
import { APIServiceKind } from "./apiregistration/api-service.ts";
import { ControllerRevisionKind } from "./apps/controller-revision.ts";
import { DaemonSetKind } from "./apps/daemon-set.ts";
import { DeploymentKind } from "./apps/deployment.ts";
import { ReplicaSetKind } from "./apps/replica-set.ts";
import { StatefulSetKind } from "./apps/stateful-set.ts";
import { HorizontalPodAutoscalerKind } from "./autoscaling/horizontal-pod-autoscaler.ts";
import { HorizontalPodAutoscalerV1Kind } from "./autoscaling/horizontal-pod-autoscaler-v1.ts";
import { CronJobKind } from "./batch/cron-job.ts";
import { JobKind } from "./batch/job.ts";
import { CertificateSigningRequestKind } from "./certificates/certificate-signing-request.ts";
import { LeaseKind } from "./coordination/lease.ts";
import { ComponentStatusKind } from "./core/component-status.ts";
import { ConfigMapKind } from "./core/config-map.ts";
import { EndpointsKind } from "./core/endpoints.ts";
import { EventKind } from "./core/event.ts";
import { LimitRangeKind } from "./core/limit-range.ts";
import { NamespaceKind } from "./core/namespace.ts";
import { NodeKind } from "./core/node.ts";
import { PersistentVolumeKind } from "./core/persistent-volume.ts";
import { PersistentVolumeClaimKind } from "./core/persistent-volume-claim.ts";
import { PodKind } from "./core/pod.ts";
import { PodTemplateKind } from "./core/pod-template.ts";
import { ReplicationControllerKind } from "./core/replication-controller.ts";
import { ResourceQuotaKind } from "./core/resource-quota.ts";
import { SecretKind } from "./core/secret.ts";
import { ServiceKind } from "./core/service.ts";
import { ServiceAccountKind } from "./core/service-account.ts";
import { EndpointSliceKind } from "./discovery/endpoint-slice.ts";
import { EventsEventKind } from "./events/event.ts";
import { FlowSchemaKind } from "./flowcontrol/flow-schema.ts";
import { PriorityLevelConfigurationKind } from "./flowcontrol/priority-level-configuration.ts";
import type { Kind } from "./kind.ts";
import { resourceOf } from "./kind.ts";
import { IngressKind } from "./networking/ingress.ts";
import { IngressClassKind } from "./networking/ingress-class.ts";
import { IPAddressKind } from "./networking/ip-address.ts";
import { NetworkPolicyKind } from "./networking/network-policy.ts";
import { ServiceCIDRKind } from "./networking/service-cidr.ts";
import { RuntimeClassKind } from "./node/runtime-class.ts";
import type { KubeObject } from "./object.ts";
import { PodDisruptionBudgetKind } from "./policy/pod-disruption-budget.ts";
import { ClusterRoleKind } from "./rbac/cluster-role.ts";
import { ClusterRoleBindingKind } from "./rbac/cluster-role-binding.ts";
import { RoleKind } from "./rbac/role.ts";
import { RoleBindingKind } from "./rbac/role-binding.ts";
import { DeviceClassKind } from "./resource/device-class.ts";
import { ResourceClaimKind } from "./resource/resource-claim.ts";
import { ResourceClaimTemplateKind } from "./resource/resource-claim-template.ts";
import { ResourceSliceKind } from "./resource/resource-slice.ts";
import { PriorityClassKind } from "./scheduling/priority-class.ts";
import { CSIDriverKind } from "./storage/csi-driver.ts";
import { CSINodeKind } from "./storage/csi-node.ts";
import { CSIStorageCapacityKind } from "./storage/csi-storage-capacity.ts";
import { StorageClassKind } from "./storage/storage-class.ts";
import { VolumeAttachmentKind } from "./storage/volume-attachment.ts";
import { VolumeAttributesClassKind } from "./storage/volume-attributes-class.ts";

/** A kind of any object type. The functions of a kind are only ever called with objects of that kind. */
function erase<T extends KubeObject>(kind: Kind<T>): Kind {
  return kind as unknown as Kind;
}

/** All built-in kinds, in the order of discovery. */
export const BUILT_IN_KINDS: readonly Kind[] = [
  erase(ComponentStatusKind),
  erase(ConfigMapKind),
  erase(EndpointsKind),
  erase(EventKind),
  erase(LimitRangeKind),
  erase(NamespaceKind),
  erase(NodeKind),
  erase(PersistentVolumeClaimKind),
  erase(PersistentVolumeKind),
  erase(PodKind),
  erase(PodTemplateKind),
  erase(ReplicationControllerKind),
  erase(ResourceQuotaKind),
  erase(SecretKind),
  erase(ServiceAccountKind),
  erase(ServiceKind),
  erase(APIServiceKind),
  erase(ControllerRevisionKind),
  erase(DaemonSetKind),
  erase(DeploymentKind),
  erase(ReplicaSetKind),
  erase(StatefulSetKind),
  EventsEventKind,
  erase(HorizontalPodAutoscalerKind),
  HorizontalPodAutoscalerV1Kind,
  erase(CronJobKind),
  erase(JobKind),
  erase(CertificateSigningRequestKind),
  erase(IngressClassKind),
  erase(IngressKind),
  erase(IPAddressKind),
  erase(NetworkPolicyKind),
  erase(ServiceCIDRKind),
  erase(PodDisruptionBudgetKind),
  erase(ClusterRoleBindingKind),
  erase(ClusterRoleKind),
  erase(RoleBindingKind),
  erase(RoleKind),
  erase(CSIDriverKind),
  erase(CSINodeKind),
  erase(CSIStorageCapacityKind),
  erase(StorageClassKind),
  erase(VolumeAttachmentKind),
  erase(VolumeAttributesClassKind),
  erase(MutatingWebhookConfigurationKind),
  erase(ValidatingAdmissionPolicyKind),
  erase(ValidatingAdmissionPolicyBindingKind),
  erase(ValidatingWebhookConfigurationKind),
  erase(CustomResourceDefinitionKind),
  erase(PriorityClassKind),
  erase(LeaseKind),
  erase(RuntimeClassKind),
  erase(EndpointSliceKind),
  erase(DeviceClassKind),
  erase(ResourceClaimKind),
  erase(ResourceClaimTemplateKind),
  erase(ResourceSliceKind),
  erase(FlowSchemaKind),
  erase(PriorityLevelConfigurationKind),
];

/** The kinds that are served, found by what a request or an object names. */
export class KindTable {
  readonly #byPlural = new Map<string, Kind>();
  readonly #byKind = new Map<string, Kind>();
  readonly #byResource = new Map<string, Kind>();
  readonly #listeners = new Set<(kind: Kind) => void>();

  constructor(kinds: readonly Kind[] = BUILT_IN_KINDS) {
    for (const kind of kinds) this.add(kind);
  }

  /** Adds a kind, or replaces the one of the same group, version and plural. */
  add(kind: Kind): void {
    this.#byPlural.set(`${kind.group}/${kind.version}/${kind.plural}`, kind);
    this.#byKind.set(`${kind.group}/${kind.version}/${kind.kind}`, kind);
    if (kind.stored === undefined) this.#byResource.set(resourceOf(kind), kind);
    if (kind.custom !== undefined) for (const hear of this.#listeners) hear(kind);
  }

  /** Calls `hear` for every custom kind: for those that there are at once, and for each that is added, or takes another's place, until it is cancelled. */
  hearOfCustom(hear: (kind: Kind) => void): { cancel(): void } {
    for (const kind of this.all()) if (kind.custom !== undefined) hear(kind);
    this.#listeners.add(hear);
    return { cancel: () => void this.#listeners.delete(hear) };
  }

  remove(kind: Kind): void {
    this.#byPlural.delete(`${kind.group}/${kind.version}/${kind.plural}`);
    this.#byKind.delete(`${kind.group}/${kind.version}/${kind.kind}`);
    if (this.#byResource.get(resourceOf(kind)) === kind) this.#byResource.delete(resourceOf(kind));
  }

  /** `("apps", "v1", "deployments")`, as in a path. */
  byPlural(group: string, version: string, plural: string): Kind | undefined {
    return this.#byPlural.get(`${group}/${version}/${plural}`);
  }

  /** `("apps", "v1", "Deployment")`, as in an object. */
  byKind(group: string, version: string, kind: string): Kind | undefined {
    return this.#byKind.get(`${group}/${version}/${kind}`);
  }

  /** `("apps/v1", "Deployment")`, as in an owner reference. */
  byApiVersion(apiVersion: string, kind: string): Kind | undefined {
    return this.#byKind.get(apiVersion.includes("/") ? `${apiVersion}/${kind}` : `/${apiVersion}/${kind}`);
  }

  /** The store's name: `deployments.apps`, `pods`. Of several versions the one that is stored. */
  byResource(resource: string): Kind | undefined {
    return this.#byResource.get(resource);
  }

  all(): readonly Kind[] {
    return [...this.#byPlural.values()];
  }
}
