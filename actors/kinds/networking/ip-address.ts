import { strictAddressWords } from "../addresses.ts";
import { defineKind } from "../define-kind.ts";
import { required } from "../field-error.ts";
import { immutable, namedBy, requiredName } from "../field-rules.ts";
import type { IPAddress } from "../generated/types.ts";
import type { Kind } from "../kind.ts";
import { dnsSubdomain, pathSegment } from "../names.ts";
import type { FieldError } from "../status.ts";
import { column, NAME_COLUMN, NONE } from "../table.ts";

/** Source: validateIPAddressParentReference. */
function validateParent({ spec }: IPAddress): FieldError[] {
  const parent = spec?.parentRef;
  const field = "spec.parentRef";
  if (parent === undefined) return [required(field)];
  return [
    ...namedBy(dnsSubdomain, parent.group, `${field}.group`),
    ...requiredName(pathSegment, parent.resource, `${field}.resource`),
    ...requiredName(pathSegment, parent.name, `${field}.name`),
    ...namedBy(pathSegment, parent.namespace, `${field}.namespace`),
  ];
}

function parentOf({ spec }: IPAddress): string {
  const parent = spec?.parentRef;
  if (parent === undefined) return NONE;
  const resource = parent.group ? `${parent.resource}.${parent.group}` : parent.resource;
  return [resource?.toLowerCase(), ...(parent.namespace ? [parent.namespace] : []), parent.name].join("/");
}

export const IPAddressKind: Kind<IPAddress> = defineKind<IPAddress>({
  group: "networking.k8s.io",
  kind: "IPAddress",
  plural: "ipaddresses",
  shortNames: ["ip"],
  namespaced: false,
  updateChecks: ["whole", "metadata", "changes"],
  nameRule: strictAddressWords,
  validate: validateParent,
  validateUpdate: (next, current) => immutable(next.spec?.parentRef, current.spec?.parentRef, "spec.parentRef", "ParentReference"),
  columns: [NAME_COLUMN, column("ParentRef", "Who holds the address")],
  cells: (address) => [address.metadata.name, parentOf(address)],
});
