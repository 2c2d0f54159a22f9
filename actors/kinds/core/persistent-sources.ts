/** Where PersistentVolumes come from. Their secrets are in namespaces that they name. Source: ValidatePersistentVolumeSpec. */
import { invalid, required } from "../field-error.ts";
import { namedBy, requiredName } from "../field-rules.ts";
import type { PersistentVolumeSpec, SecretReference } from "../generated/types.ts";
import { dnsLabel, dnsSubdomain } from "../names.ts";
import type { FieldError } from "../status.ts";
import { validateDriverName } from "../storage/driver-name.ts";
import { validateNoBacksteps } from "./security-validation.ts";
import {
  needs,
  oneSource,
  SHARED,
  type SourceRule,
  secretNames,
  targetNameTooLong,
  validateStorageOS,
  validateTarget,
} from "./volume-sources.ts";

type Source = keyof typeof SHARED | "glusterfs" | "iscsi" | "cinder" | "azureFile" | "local" | "storageos" | "csi";
type Rules = { readonly [name in Source]: SourceRule<NonNullable<PersistentVolumeSpec[name]>> };

const CSI_SECRETS = ["controllerPublishSecretRef", "controllerExpandSecretRef", "nodePublishSecretRef", "nodeExpandSecretRef"] as const;

/** Source: validatePVSecretReference. */
function validateSecret(reference: SecretReference | undefined, field: string): FieldError[] {
  if (reference === undefined) return [];
  return [
    ...requiredName(dnsSubdomain, reference.name, `${field}.name`),
    ...requiredName(dnsLabel, reference.namespace, `${field}.namespace`),
  ];
}

const RULES: Rules = {
  hostPath: SHARED.hostPath,
  gcePersistentDisk: SHARED.gcePersistentDisk,
  awsElasticBlockStore: SHARED.awsElasticBlockStore,
  glusterfs: (source, field) => {
    const errors = needs<typeof source>("endpoints", "path")(source, field);
    const { endpointsNamespace: namespace } = source;
    const path = `${field}.endpointsNamespace`;
    if (namespace !== "") return [...errors, ...namedBy(dnsLabel, namespace, path)];
    return [...errors, invalid(path, namespace, "if the endpointnamespace is set, it must be a valid namespace name")];
  },
  flocker: SHARED.flocker,
  nfs: SHARED.nfs,
  rbd: SHARED.rbd,
  quobyte: SHARED.quobyte,
  cephfs: SHARED.cephfs,
  iscsi: (iscsi, field, { volume }) => {
    const long = targetNameTooLong(iscsi, volume);
    return [
      ...(iscsi.targetPortal ? [] : [required(`${field}.targetPortal`)]),
      ...(long === undefined ? [] : [invalid(`${field}.targetportal`, iscsi.targetPortal, long)]),
      ...validateTarget(iscsi, field, "must be valid format", secretNames(iscsi.secretRef, `${field}.secretRef`, "name")),
    ];
  },
  cinder: ({ volumeID, secretRef }, field) => [
    ...(volumeID ? [] : [required(`${field}.volumeID`)]),
    ...secretNames(secretRef, `${field}.secretRef`, "name", "namespace"),
  ],
  fc: SHARED.fc,
  flexVolume: SHARED.flexVolume,
  azureFile: ({ secretName, shareName, secretNamespace }, field) => [
    ...(secretName ? [] : [required(`${field}.secretName`)]),
    ...(shareName ? [] : [required(`${field}.shareName`)]),
    ...(secretNamespace === "" ? [required(`${field}.secretNamespace`)] : []),
  ],
  vsphereVolume: SHARED.vsphereVolume,
  photonPersistentDisk: SHARED.photonPersistentDisk,
  portworxVolume: SHARED.portworxVolume,
  azureDisk: SHARED.azureDisk,
  scaleIO: SHARED.scaleIO,
  local: ({ path }, field) => (path ? validateNoBacksteps(path, `${field}.path`) : [required(`${field}.path`)]),
  storageos: (source, field) => [
    ...validateStorageOS(source, field),
    ...secretNames(source.secretRef, `${field}.secretRef`, "name", "namespace"),
  ],
  csi: (csi, field) => [
    ...validateDriverName(csi.driver ?? "", `${field}.driver`),
    ...(csi.volumeHandle ? [] : [required(`${field}.volumeHandle`)]),
    ...CSI_SECRETS.flatMap((name) => validateSecret(csi[name], `${field}.${name}`)),
  ],
};

/** The names of all sources, in the order in which Kubernetes looks at them. */
export const PERSISTENT_SOURCES = Object.keys(RULES) as readonly (keyof PersistentVolumeSpec)[];

const validateSource = oneSource<PersistentVolumeSpec>(RULES);

/** `volume`: the name of the volume. */
export function validatePersistentSource(spec: PersistentVolumeSpec, volume: string): FieldError[] {
  return validateSource(spec, "spec", { volume, pod: "" });
}
