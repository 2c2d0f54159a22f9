import { defineKind } from "../define-kind.ts";
import type { DeviceClass } from "../generated/types.ts";
import type { Kind } from "../kind.ts";
import { semanticEqual } from "../machinery/equal.ts";
import { dnsSubdomain } from "../names.ts";
import type { FieldError } from "../status.ts";
import { AGE_COLUMN, ageOf, NAME_COLUMN } from "../table.ts";
import { CONFIGURATIONS_MAX, validateOpaque, validateSelectors } from "./device-claim.ts";
import { validateList } from "./device-names.ts";

/** What is as it was is let through where limits came later. Source: validateDeviceClassSpec. */
function validateSpec({ spec }: DeviceClass, current?: DeviceClass): FieldError[] {
  const known = current !== undefined && semanticEqual(spec.config, current.spec.config);
  return [
    ...validateSelectors(spec.selectors, "spec.selectors"),
    ...validateList(spec.config, CONFIGURATIONS_MAX, ({ opaque }, path) => validateOpaque(opaque, known, path), "spec.config"),
  ];
}

/** Devices as a resource that containers count are behind a gate. */
function dropDisabled({ spec }: DeviceClass): void {
  delete spec.extendedResourceName;
}

export const DeviceClassKind: Kind<DeviceClass> = defineKind<DeviceClass>({
  group: "resource.k8s.io",
  kind: "DeviceClass",
  plural: "deviceclasses",
  namespaced: false,
  returnsDeletedObject: true,
  tracksGeneration: true,
  prepareForCreate: dropDisabled,
  prepareForUpdate: dropDisabled,
  updateChecks: ["whole", "metadata", "changes"],
  nameRule: dnsSubdomain,
  validate: (deviceClass) => validateSpec(deviceClass),
  validateUpdate: validateSpec,
  columns: [NAME_COLUMN, AGE_COLUMN],
  cells: (deviceClass, now_ms) => [deviceClass.metadata.name, ageOf(deviceClass, now_ms)],
});
