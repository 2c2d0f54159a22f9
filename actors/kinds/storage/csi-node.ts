import { defineKind } from "../define-kind.ts";
import { duplicate, invalid, required } from "../field-error.ts";
import { immutable, nonNegative } from "../field-rules.ts";
import type { CSINode, CSINodeDriver } from "../generated/types.ts";
import type { Kind } from "../kind.ts";
import { dnsSubdomain, qualifiedName } from "../names.ts";
import type { FieldError } from "../status.ts";
import { AGE_COLUMN, ageOf, column, NAME_COLUMN } from "../table.ts";
import { validateDriverName } from "./driver-name.ts";

const NODE_ID_BYTES_MAX = 256;

/** Source: validateCSINodeDriver. */
function validateDriver(driver: CSINodeDriver, again: boolean, field: string): FieldError[] {
  const { name, nodeID = "", topologyKeys = [] } = driver;
  const errors = validateDriverName(name, `${field}.name`);
  if (nodeID === "") errors.push(required(`${field}.nodeID`));
  if (Buffer.byteLength(nodeID) > NODE_ID_BYTES_MAX) {
    errors.push(invalid(`${field}.nodeID`, nodeID, `must be ${NODE_ID_BYTES_MAX} characters or less`));
  }
  errors.push(...nonNegative(driver.allocatable?.count, `${field}.allocatable.count`));
  if (again) errors.push(duplicate(`${field}.name`, name));
  for (const [index, key] of topologyKeys.entries()) {
    if (key === "") errors.push(required(field));
    if (topologyKeys.indexOf(key) < index) errors.push(duplicate(field, key));
    errors.push(...qualifiedName(key).map((words) => invalid(field, key, words)));
  }
  return errors;
}

function validate({ spec }: CSINode): FieldError[] {
  const drivers = spec.drivers ?? [];
  const names = drivers.map(({ name }) => name);
  return drivers.flatMap((driver, index) => validateDriver(driver, names.indexOf(driver.name) < index, `spec.drivers[${index}]`));
}

/** A driver that stays is the same driver. Source: ValidateCSINodeUpdate. */
function validateUpdate(next: CSINode, current: CSINode): FieldError[] {
  return (current.spec.drivers ?? []).flatMap((old) => {
    const kept = (next.spec.drivers ?? []).filter(({ name }) => name === old.name);
    return kept.flatMap((driver) => immutable(driver, old, "spec.drivers", "CSINodeDriver"));
  });
}

export const CSINodeKind: Kind<CSINode> = defineKind<CSINode>({
  group: "storage.k8s.io",
  kind: "CSINode",
  plural: "csinodes",
  namespaced: false,
  updatesNameRevision: true,
  returnsDeletedObject: true,
  updateChecks: ["whole", "whole", "changes"],
  nameRule: dnsSubdomain,
  validate,
  validateUpdate,
  columns: [NAME_COLUMN, column("Drivers", "How many drivers run on the node", "integer"), AGE_COLUMN],
  cells: (node, now_ms) => [node.metadata.name, node.spec.drivers?.length ?? 0, ageOf(node, now_ms)],
});
