import { isIPv4 } from "node:net";
import { defineKind, statusApart } from "../define-kind.ts";
import { invalid, required } from "../field-error.ts";
import { immutable } from "../field-rules.ts";
import type { ServiceCIDR } from "../generated/types.ts";
import type { Kind } from "../kind.ts";
import { validateObjectMeta } from "../metadata.ts";
import { dnsSubdomain } from "../names.ts";
import type { FieldError } from "../status.ts";
import { AGE_COLUMN, ageOf, column, NAME_COLUMN } from "../table.ts";
import { STATUS } from "../verbs.ts";
import { validateCidr } from "./cidr.ts";

/** One range a family. */
const CIDRS_MAX = 2;

function validateCidrs(cidrs: readonly string[]): FieldError[] {
  const field = "spec.cidrs";
  if (cidrs.length === 0) return [required(field, "at least one CIDR required")];
  if (cidrs.length > CIDRS_MAX) return [invalid(field, cidrs, "may only hold up to 2 values")];
  const errors = cidrs.flatMap((cidr, index) => validateCidr(cidr, `${field}[${index}]`));
  const families = new Set(cidrs.map((cidr) => isIPv4(cidr.split("/")[0] ?? "")));
  if (errors.length === 0 && families.size < cidrs.length) {
    errors.push(invalid(field, cidrs, "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64"));
  }
  return errors;
}

export const ServiceCIDRKind: Kind<ServiceCIDR> = defineKind<ServiceCIDR>({
  group: "networking.k8s.io",
  kind: "ServiceCIDR",
  plural: "servicecidrs",
  namespaced: false,
  statusKeepsMetadata: true,
  subresources: [STATUS],
  tracksGeneration: true,
  ...statusApart<ServiceCIDR>(() => ({})),
  validate: ({ metadata, spec }) => [...validateObjectMeta(metadata, false, dnsSubdomain), ...validateCidrs(spec?.cidrs ?? [])],
  validateUpdate: (next, current) => immutable(next.spec?.cidrs, current.spec?.cidrs, "spec.cidrs"),
  columns: [NAME_COLUMN, column("CIDRs", "The addresses that services get"), AGE_COLUMN],
  cells: (range, now_ms) => [range.metadata.name, (range.spec?.cidrs ?? []).join(","), ageOf(range, now_ms)],
});
