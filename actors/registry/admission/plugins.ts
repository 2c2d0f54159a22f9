import type { AdmissionPlugin } from "./admission.ts";
import { DefaultIngressClass } from "./default-ingress-class.ts";
import { DefaultStorageClass } from "./default-storage-class.ts";
import { DefaultTolerationSeconds } from "./default-toleration-seconds.ts";
import type { DynamicAdmission } from "./dynamic.ts";
import { LimitRanger } from "./limit-ranger.ts";
import { NamespaceLifecycle } from "./namespace-lifecycle.ts";
import { PersistentVolumeClaimResize } from "./persistent-volume-claim-resize.ts";
import { PodSecurity } from "./pod-security/pod-security.ts";
import { validatingPolicies } from "./policies/validating-policies.ts";
import { Priority } from "./priority.ts";
import { ResourceQuotaAdmission } from "./resource-quota.ts";
import { RuntimeClassAdmission } from "./runtime-class.ts";
import { ServiceAccountAdmission } from "./service-account.ts";
import { StorageObjectInUseProtection } from "./storage-object-in-use-protection.ts";
import { TaintNodesByCondition } from "./taint-nodes-by-condition.ts";
import { mutatingWebhooks } from "./webhooks/mutating-webhooks.ts";
import { validatingWebhooks } from "./webhooks/validating-webhooks.ts";

/** The plugins that need nothing but the world, in the order of kube-apiserver. */
const ADMISSION_PLUGINS: readonly AdmissionPlugin[] = [
  NamespaceLifecycle,
  LimitRanger,
  ServiceAccountAdmission,
  TaintNodesByCondition,
  PodSecurity,
  Priority,
  DefaultTolerationSeconds,
  DefaultStorageClass,
  StorageObjectInUseProtection,
  PersistentVolumeClaimResize,
  RuntimeClassAdmission,
  DefaultIngressClass,
];

/** All plugins of a cluster. What others made of an object comes before what it costs. */
export function admissionPlugins(dynamic: DynamicAdmission): readonly AdmissionPlugin[] {
  return [
    ...ADMISSION_PLUGINS,
    mutatingWebhooks(dynamic),
    validatingPolicies(dynamic),
    validatingWebhooks(dynamic),
    ResourceQuotaAdmission,
  ];
}
