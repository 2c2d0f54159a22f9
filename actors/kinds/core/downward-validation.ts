/** References to fields and resources of the pod itself. Source: validateObjectFieldSelector of pkg/apis/core/validation. */
import { invalid, notSupported, required } from "../field-error.ts";
import type { ObjectFieldSelector, ResourceFieldSelector } from "../generated/types.ts";
import { qualifiedName } from "../names.ts";
import type { FieldError } from "../status.ts";

const POD_FIELDS: ReadonlySet<string> = new Set([
  "metadata.annotations",
  "metadata.labels",
  "metadata.name",
  "metadata.namespace",
  "metadata.uid",
  "spec.host",
  "spec.nodeName",
  "spec.restartPolicy",
  "spec.schedulerName",
  "spec.serviceAccountName",
  "status.hostIP",
  "status.hostIPs",
  "status.phase",
  "status.podIP",
  "status.podIPs",
]);

export const ENV_FIELDS: readonly string[] = [
  "metadata.name",
  "metadata.namespace",
  "metadata.uid",
  "spec.nodeName",
  "spec.serviceAccountName",
  "status.hostIP",
  "status.hostIPs",
  "status.podIP",
  "status.podIPs",
];

export const VOLUME_FIELDS: readonly string[] = [
  "metadata.annotations",
  "metadata.labels",
  "metadata.name",
  "metadata.namespace",
  "metadata.uid",
];

const RESOURCES = /^(limits|requests)\.(cpu|memory|ephemeral-storage|hugepages-.+)$/;

export function validateFieldRef(ref: ObjectFieldSelector, allowed: readonly string[], field: string): FieldError[] {
  const { apiVersion = "", fieldPath = "" } = ref;
  if (apiVersion === "") return [required(`${field}.apiVersion`)];
  if (fieldPath === "") return [required(`${field}.fieldPath`)];
  const path = `${field}.fieldPath`;
  if (apiVersion !== "v1") return [invalid(path, fieldPath, `error converting fieldPath: unsupported pod version: ${apiVersion}`)];
  const subscripted = /^([^[]+)\['(.*)'\]$/.exec(fieldPath);
  if (subscripted !== null) {
    const [, parent = "", key = ""] = subscripted;
    if (parent === "metadata.annotations") return qualifiedName(key.toLowerCase()).map((message) => invalid(field, key, message));
    if (parent === "metadata.labels") return qualifiedName(key).map((message) => invalid(field, key, message));
    return [invalid(path, fieldPath, `error converting fieldPath: field label does not support subscript: ${fieldPath}`)];
  }
  if (!POD_FIELDS.has(fieldPath)) return [invalid(path, fieldPath, `error converting fieldPath: field label not supported: ${fieldPath}`)];
  const internal = fieldPath === "spec.host" ? "spec.nodeName" : fieldPath;
  return allowed.includes(internal) ? [] : [notSupported(path, internal, allowed)];
}

/** In volumes the container must be named, since there is no own. */
export function validateResourceRef(ref: ResourceFieldSelector, inVolume: boolean, field: string): FieldError[] {
  if (inVolume && !ref.containerName) return [required(`${field}.containerName`)];
  if (!ref.resource) return [required(`${field}.resource`)];
  if (RESOURCES.test(ref.resource)) return [];
  const names = [
    "limits.cpu",
    "limits.ephemeral-storage",
    "limits.memory",
    "requests.cpu",
    "requests.ephemeral-storage",
    "requests.memory",
  ];
  return [notSupported(`${field}.resource`, ref.resource, names)];
}
