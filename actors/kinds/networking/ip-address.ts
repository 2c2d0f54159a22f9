import { isIP } from "node:net";
import { defineKind } from "../define-kind.ts";
import { required } from "../field-error.ts";
import { immutable } from "../field-rules.ts";
import type { IPAddress } from "../generated/types.ts";
import type { Kind } from "../kind.ts";
import { validateObjectMeta } from "../metadata.ts";
import type { FieldError } from "../status.ts";
import { column, NAME_COLUMN } from "../table.ts";

/** The name is the address, in its one canonical form. */
function addressName(name: string): string[] {
  if (isIP(name) === 0) return ["must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"];
  const canonical = name.includes(":") ? new URL(`http://[${name}]`).hostname.slice(1, -1) : name;
  return canonical === name ? [] : [`must be in canonical form (${JSON.stringify(canonical)})`];
}

function validateParent({ spec }: IPAddress): FieldError[] {
  const parent = spec?.parentRef;
  if (parent === undefined) return [required("spec.parentRef")];
  return (["resource", "name"] as const).filter((name) => !parent[name]).map((name) => required(`spec.parentRef.${name}`));
}

function parentOf({ spec }: IPAddress): string {
  const parent = spec?.parentRef;
  if (parent === undefined) return "";
  const resource = parent.group ? `${parent.resource}.${parent.group}` : parent.resource;
  return [resource, ...(parent.namespace ? [parent.namespace] : []), parent.name].join("/");
}

export const IPAddressKind: Kind<IPAddress> = defineKind<IPAddress>({
  group: "networking.k8s.io",
  kind: "IPAddress",
  plural: "ipaddresses",
  shortNames: ["ip"],
  namespaced: false,
  tracksGeneration: true,
  validate: (address) => [...validateObjectMeta(address.metadata, false, addressName), ...validateParent(address)],
  validateUpdate: (next, current) => immutable(next.spec?.parentRef, current.spec?.parentRef, "spec.parentRef"),
  columns: [NAME_COLUMN, column("ParentRef", "Who holds the address")],
  cells: (address) => [address.metadata.name, parentOf(address)],
});
