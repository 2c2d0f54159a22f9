import { defineKind } from "../define-kind.ts";
import { duplicate, invalid, required } from "../field-error.ts";
import { namedBy, nonNegative } from "../field-rules.ts";
import type { CSINode, CSINodeDriver } from "../generated/types.ts";
import type { Kind } from "../kind.ts";
import { semanticEqual } from "../machinery/equal.ts";
import { validateObjectMeta } from "../metadata.ts";
import { dnsSubdomain, qualifiedName } from "../names.ts";
import type { FieldError } from "../status.ts";
import { AGE_COLUMN, ageOf, column, NAME_COLUMN } from "../table.ts";
import { validateDriverName } from "./driver-name.ts";

/** Source: CSI's own limit of a node's ID. */
const NODE_ID_BYTES_MAX = 192;

function validateDriver(driver: CSINodeDriver, field: string): FieldError[] {
  const { nodeID, topologyKeys = [] } = driver;
  const errors = validateDriverName(driver.name, `${field}.name`);
  if (!nodeID) errors.push(required(`${field}.nodeID`));
  else if (nodeID.length > NODE_ID_BYTES_MAX) {
    errors.push(invalid(`${field}.nodeID`, nodeID, `must be ${NODE_ID_BYTES_MAX} characters or less`));
  }
  errors.push(...nonNegative(driver.allocatable?.count, `${field}.allocatable.count`));
  const seen = new Set<string>();
  for (const key of topologyKeys) {
    if (seen.has(key)) errors.push(duplicate(`${field}.topologyKeys`, key));
    seen.add(key);
    errors.push(...(key === "" ? [required(`${field}.topologyKeys`)] : namedBy(qualifiedName, key, `${field}.topologyKeys`)));
  }
  return errors;
}

function validate({ metadata, spec }: CSINode): FieldError[] {
  const errors = validateObjectMeta(metadata, false, dnsSubdomain);
  const seen = new Set<string>();
  for (const [index, driver] of (spec.drivers ?? []).entries()) {
    const field = `spec.drivers[${index}]`;
    errors.push(...validateDriver(driver, field));
    if (seen.has(driver.name)) errors.push(duplicate(`${field}.name`, driver.name));
    seen.add(driver.name);
  }
  return errors;
}

/** A driver that stays is the same driver. Source: ValidateCSINodeUpdate. */
function validateUpdate(next: CSINode, current: CSINode): FieldError[] {
  return (next.spec.drivers ?? []).flatMap((driver) => {
    const old = current.spec.drivers?.find(({ name }) => name === driver.name);
    const same = old === undefined || semanticEqual({ ...driver, allocatable: undefined }, { ...old, allocatable: undefined });
    return same ? [] : [invalid("CSINodeDriver", driver, "field is immutable")];
  });
}

export const CSINodeKind: Kind<CSINode> = defineKind<CSINode>({
  group: "storage.k8s.io",
  kind: "CSINode",
  plural: "csinodes",
  namespaced: false,
  returnsDeletedObject: true,
  validate,
  validateUpdate,
  columns: [NAME_COLUMN, column("Drivers", "How many drivers run on the node", "integer"), AGE_COLUMN],
  cells: (node, now_ms) => [node.metadata.name, node.spec.drivers?.length ?? 0, ageOf(node, now_ms)],
});
