/** The rules for containers that are put into a pod while it runs, to look into it. Source: validateEphemeralContainers. */
import { duplicate, forbidden, invalid, notFoundValue } from "../field-error.ts";
import type { Container, EphemeralContainer, PodSpec } from "../generated/types.ts";
import { semanticEqual } from "../machinery/equal.ts";
import type { FieldError } from "../status.ts";
import type { ContainerContext } from "./container-validation.ts";
import { validateCommon } from "./container-validation.ts";

/** What such a container cannot have, in the order of the Go struct: nothing of it is for the work of the pod. */
const NOT_FOR_THEM = [
  "ports",
  "resources",
  "resizePolicy",
  "restartPolicy",
  "restartPolicyRules",
  "livenessProbe",
  "readinessProbe",
  "startupProbe",
  "lifecycle",
] as const satisfies readonly (keyof EphemeralContainer)[];

const WORDS = "cannot be set for an Ephemeral Container";

export function validateEphemeralContainers(spec: PodSpec, context: ContainerContext, field: string): FieldError[] {
  const errors: FieldError[] = [];
  const others = new Set([...(spec.containers ?? []), ...(spec.initContainers ?? [])].map(({ name }) => name));
  const names = new Set(others);
  for (const [index, container] of (spec.ephemeralContainers ?? []).entries()) {
    const path = `${field}[${index}]`;
    errors.push(...validateCommon(container as Container, context, path));
    if (container.image !== undefined && container.image.trim() !== container.image) {
      errors.push(invalid(`${path}.image`, container.image, "must not have leading or trailing whitespace"));
    }
    if (names.has(container.name)) errors.push(duplicate(`${path}.name`, container.name));
    names.add(container.name);
    const target = container.targetContainerName;
    if (target && !others.has(target)) errors.push(notFoundValue(`${path}.targetContainerName`, target));
    for (const name of NOT_FOR_THEM) if (!semanticEqual(container[name], undefined)) errors.push(forbidden(`${path}.${name}`, WORDS));
    for (const [at, mount] of (container.volumeMounts ?? []).entries()) {
      if (mount.subPath) errors.push(forbidden(`${path}.volumeMounts[${at}].subPath`, WORDS));
      if (mount.subPathExpr) errors.push(forbidden(`${path}.volumeMounts[${at}].subPathExpr`, WORDS));
    }
  }
  return errors;
}
