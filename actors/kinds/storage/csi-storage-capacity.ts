import { selectorWarnings } from "../core/node-labels.ts";
import { defineKind } from "../define-kind.ts";
import { invalid } from "../field-error.ts";
import { immutable } from "../field-rules.ts";
import type { CSIStorageCapacity } from "../generated/types.ts";
import type { Kind } from "../kind.ts";
import { validateLabelSelector } from "../machinery/label-selector.ts";
import { dnsSubdomain } from "../names.ts";
import type { FieldError } from "../status.ts";
import { DEFAULT_COLUMNS, defaultCells } from "../table.ts";

/** Source: ValidateCSIStorageCapacity. */
function validate({ nodeTopology, storageClassName = "", capacity }: CSIStorageCapacity): FieldError[] {
  return [
    ...validateLabelSelector(nodeTopology, "nodeTopology"),
    ...dnsSubdomain(storageClassName).map((message) => invalid("storageClassName", storageClassName, message)),
    ...(capacity?.startsWith("-") ? [invalid("capacity", capacity, "must be greater than or equal to 0")] : []),
  ];
}

export const CSIStorageCapacityKind: Kind<CSIStorageCapacity> = defineKind<CSIStorageCapacity>({
  group: "storage.k8s.io",
  kind: "CSIStorageCapacity",
  plural: "csistoragecapacities",
  namespaced: true,
  updatesNameRevision: true,
  updateChecks: ["whole", "metadata", "changes"],
  nameRule: dnsSubdomain,
  validate,
  validateUpdate: (next, current) => [
    ...immutable(next.nodeTopology, current.nodeTopology, "nodeTopology"),
    ...immutable(next.storageClassName, current.storageClassName, "storageClassName"),
  ],
  warnings: ({ nodeTopology }) => selectorWarnings(nodeTopology, "nodeTopology"),
  columns: DEFAULT_COLUMNS,
  cells: defaultCells,
});
