import { defineKind } from "../define-kind.ts";
import { required } from "../field-error.ts";
import { unchanged } from "../field-rules.ts";
import type { VolumeAttributesClass } from "../generated/types.ts";
import type { Kind } from "../kind.ts";
import { dnsSubdomain } from "../names.ts";
import { AGE_COLUMN, ageOf, column, NAME_COLUMN } from "../table.ts";
import { validateParameters, validateProvisioner } from "./storage-class.ts";

export const VolumeAttributesClassKind: Kind<VolumeAttributesClass> = defineKind<VolumeAttributesClass>({
  group: "storage.k8s.io",
  kind: "VolumeAttributesClass",
  plural: "volumeattributesclasses",
  shortNames: ["vac"],
  namespaced: false,
  returnsDeletedObject: true,
  updateChecks: ["whole", "metadata", "changes", "whole"],
  nameRule: dnsSubdomain,
  validate: ({ driverName, parameters = {} }) => [
    ...validateProvisioner(driverName, "driverName"),
    ...(Object.keys(parameters).length === 0
      ? [required("parameters", "must contain at least one key/value pair")]
      : validateParameters(parameters, "parameters")),
  ],
  validateUpdate: (next, current) => [
    ...unchanged(next.driverName, current.driverName, "driverName", "updates to driverName are forbidden."),
    ...unchanged(next.parameters, current.parameters, "parameters", "updates to parameters are forbidden."),
  ],
  columns: [NAME_COLUMN, column("DriverName", "The driver that knows the attributes"), AGE_COLUMN],
  cells: (attributes, now_ms) => [attributes.metadata.name, attributes.driverName ?? "", ageOf(attributes, now_ms)],
});
