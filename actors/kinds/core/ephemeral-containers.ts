/** How containers come into a pod that runs. Source: ValidatePodEphemeralContainersUpdate. */
import { forbidden } from "../field-error.ts";
import type { Pod } from "../generated/types.ts";
import { internalDiff } from "../internal-form.ts";
import type { SpecDoor } from "../kind.ts";
import { semanticEqual } from "../machinery/equal.ts";
import type { FieldError } from "../status.ts";
import { isMirrorPod } from "./mirror-pod.ts";
import { validatePodSpec } from "./pod-validation.ts";

/** Containers come, but neither change nor go. */
function validateAdded(next: Pod, current: Pod): FieldError[] {
  if (isMirrorPod(current)) return [forbidden("", "static pods do not support ephemeral containers")];
  const errors = validatePodSpec(next.spec, "spec", { pod: next.metadata.name });
  const field = "spec.ephemeralContainers";
  const after = new Map((next.spec.ephemeralContainers ?? []).map((container) => [container.name, container]));
  for (const before of current.spec.ephemeralContainers ?? []) {
    const name = JSON.stringify(before.name);
    const now = after.get(before.name);
    if (now === undefined) errors.push(forbidden(field, `existing ephemeral containers ${name} may not be removed\n`));
    else if (!semanticEqual(now, before)) {
      const diff = internalDiff("EphemeralContainer", before, now);
      errors.push(forbidden(field, `existing ephemeral containers ${name} may not be changed\n${diff}`));
    }
  }
  return errors;
}

export const EPHEMERAL_CONTAINERS: SpecDoor<Pod> = {
  through: (wanted, current) => {
    const { ephemeralContainers: _before, ...rest } = current.spec;
    const wants = wanted.spec?.ephemeralContainers;
    return { ...current, spec: wants === undefined ? rest : { ...rest, ephemeralContainers: wants } };
  },
  validate: validateAdded,
};
