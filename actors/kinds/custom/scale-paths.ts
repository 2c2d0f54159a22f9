/** Where the Scale of a custom resource has its numbers. Source: apiextensions-apiserver's pkg/registry/customresource/etcd.go, scaleFromCustomResource. */
import { invalid } from "../field-error.ts";
import type { CustomResourceSubresourceScale } from "../generated/types.ts";
import type { KubeObject } from "../object.ts";
import type { FieldError } from "../status.ts";
import { isMembers, type Members } from "./structural-schema.ts";

const REPLICAS_MAX = 2 ** 31 - 1;

/** How a kind's objects are scaled, where it is not by spec.replicas and a selector. */
export interface ScaleFields {
  /** Where the replicas are, as the definition says it. */
  readonly specReplicasPath: string;
  replicas(object: KubeObject): number | undefined;
  statusReplicas(object: KubeObject): number;
  selector(object: KubeObject): string;
  /** The object with other replicas; what leads there is made. */
  withReplicas(object: KubeObject, replicas: number): KubeObject;
  /** What is wrong with its numbers. */
  validate(object: KubeObject): FieldError[];
}

export function scaleFields(paths: CustomResourceSubresourceScale): ScaleFields {
  const spec = namesOf(paths.specReplicasPath);
  const status = namesOf(paths.statusReplicasPath);
  const selector = paths.labelSelectorPath === undefined ? undefined : namesOf(paths.labelSelectorPath);
  return {
    specReplicasPath: paths.specReplicasPath,
    replicas: (object) => numberAt(object, spec),
    statusReplicas: (object) => numberAt(object, status) ?? 0,
    selector: (object) => {
      const value = selector === undefined ? undefined : at(object, selector);
      return typeof value === "string" ? value : "";
    },
    withReplicas: (object, replicas) => withValue(object as unknown as Members, spec, replicas) as unknown as KubeObject,
    validate: (object) => [
      ...replicaErrors(at(object, spec), paths.specReplicasPath),
      ...replicaErrors(at(object, status), paths.statusReplicasPath),
    ],
  };
}

function namesOf(path: string): readonly string[] {
  return path.replace(/^\./, "").split(".");
}

function at(object: unknown, names: readonly string[]): unknown {
  return names.reduce<unknown>((value, name) => (isMembers(value) ? value[name] : undefined), object);
}

function numberAt(object: unknown, names: readonly string[]): number | undefined {
  const value = at(object, names);
  return typeof value === "number" ? value : undefined;
}

function withValue(members: Members, [name = "", ...rest]: readonly string[], value: unknown): Members {
  const below = members[name];
  return { ...members, [name]: rest.length === 0 ? value : withValue(isMembers(below) ? below : {}, rest, value) };
}

function replicaErrors(value: unknown, path: string): FieldError[] {
  if (typeof value !== "number") return [];
  if (value < 0) return [invalid(path, value, "should be a non-negative integer")];
  return value > REPLICAS_MAX ? [invalid(path, value, `should be less than or equal to ${REPLICAS_MAX}`)] : [];
}
