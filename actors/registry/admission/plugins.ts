import type { AdmissionPlugin } from "./admission.ts";
import { DefaultIngressClass } from "./default-ingress-class.ts";
import { DefaultStorageClass } from "./default-storage-class.ts";
import { DefaultTolerationSeconds } from "./default-toleration-seconds.ts";
import { LimitRanger } from "./limit-ranger.ts";
import { NamespaceLifecycle } from "./namespace-lifecycle.ts";
import { PersistentVolumeClaimResize } from "./persistent-volume-claim-resize.ts";
import { Priority } from "./priority.ts";
import { ResourceQuotaAdmission } from "./resource-quota.ts";
import { RuntimeClassAdmission } from "./runtime-class.ts";
import { ServiceAccountAdmission } from "./service-account.ts";
import { StorageObjectInUseProtection } from "./storage-object-in-use-protection.ts";
import { TaintNodesByCondition } from "./taint-nodes-by-condition.ts";

/** The plugins of a cluster, in the order of kube-apiserver. */
export const ADMISSION_PLUGINS: readonly AdmissionPlugin[] = [
  NamespaceLifecycle,
  LimitRanger,
  ServiceAccountAdmission,
  TaintNodesByCondition,
  Priority,
  DefaultTolerationSeconds,
  DefaultStorageClass,
  StorageObjectInUseProtection,
  PersistentVolumeClaimResize,
  RuntimeClassAdmission,
  DefaultIngressClass,
  ResourceQuotaAdmission,
];
