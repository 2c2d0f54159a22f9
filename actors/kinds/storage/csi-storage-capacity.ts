import { defineKind } from "../define-kind.ts";
import { invalid } from "../field-error.ts";
import { immutable } from "../field-rules.ts";
import type { CSIStorageCapacity } from "../generated/types.ts";
import type { Kind } from "../kind.ts";
import { validateLabelSelector } from "../machinery/label-selector.ts";
import { validateObjectMeta } from "../metadata.ts";
import { dnsSubdomain } from "../names.ts";
import type { FieldError } from "../status.ts";
import { DEFAULT_COLUMNS, defaultCells } from "../table.ts";

/** Source: ValidateCSIStorageCapacity. */
function validate(capacity: CSIStorageCapacity): FieldError[] {
  const { metadata, nodeTopology, storageClassName = "" } = capacity;
  const errors = [
    ...validateObjectMeta(metadata, true, dnsSubdomain),
    ...validateLabelSelector(nodeTopology, "nodeTopology"),
    ...dnsSubdomain(storageClassName).map((message) => invalid("storageClassName", storageClassName, message)),
  ];
  for (const name of ["capacity", "maximumVolumeSize"] as const) {
    const quantity = capacity[name];
    if (quantity?.startsWith("-")) errors.push(invalid(name, quantity, "must be greater than or equal to 0"));
  }
  return errors;
}

export const CSIStorageCapacityKind: Kind<CSIStorageCapacity> = defineKind<CSIStorageCapacity>({
  group: "storage.k8s.io",
  kind: "CSIStorageCapacity",
  plural: "csistoragecapacities",
  namespaced: true,
  returnsDeletedObject: true,
  validate,
  validateUpdate: (next, current) => [
    ...immutable(next.nodeTopology, current.nodeTopology, "nodeTopology"),
    ...immutable(next.storageClassName, current.storageClassName, "storageClassName"),
  ],
  columns: DEFAULT_COLUMNS,
  cells: defaultCells,
});
