import { isIPv4 } from "node:net";
import { defineKind } from "../define-kind.ts";
import { invalid, required } from "../field-error.ts";
import { immutable } from "../field-rules.ts";
import type { ServiceCIDR, ServiceCIDRSpec } from "../generated/types.ts";
import type { Kind } from "../kind.ts";
import { dnsSubdomain } from "../names.ts";
import type { FieldError } from "../status.ts";
import { AGE_COLUMN, ageOf, column, NAME_COLUMN } from "../table.ts";
import { STATUS } from "../verbs.ts";
import { isCidr, validateStrictCidr } from "./cidr.ts";

/** One range a family. */
const CIDRS_MAX = 2;

/** Source: validateServiceCIDRSpec. */
function validateCidrs({ cidrs = [] }: ServiceCIDRSpec): FieldError[] {
  const field = "spec.cidrs";
  if (cidrs.length === 0) return [required(field, "at least one CIDR required")];
  if (cidrs.length > CIDRS_MAX) return [invalid(field, { CIDRs: cidrs }, "may only hold up to 2 values")];
  const errors = cidrs.flatMap((cidr, index) => validateStrictCidr(cidr, `${field}[${index}]`));
  const families = new Set(cidrs.map((cidr) => isIPv4(cidr.split("/")[0] ?? "")));
  if (cidrs.every(isCidr) && families.size < cidrs.length) {
    errors.push(invalid(field, cidrs, "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64"));
  }
  return errors;
}

/** A range stays; one of the other family may come. Source: ValidateServiceCIDRUpdate. */
function validateUpdate({ spec = {} }: ServiceCIDR, { spec: before = {} }: ServiceCIDR): FieldError[] {
  const [cidrs, old] = [spec.cidrs ?? [], before.cidrs ?? []];
  const field = "spec.cidrs";
  const grows = old.length === 1 && cidrs.length === CIDRS_MAX;
  if (cidrs.length !== old.length && !grows) return [invalid(field, spec.cidrs ?? null, "field is immutable")];
  const changed = old.flatMap((cidr, index) => immutable(cidrs[index], cidr, `${field}[${index}]`));
  return grows ? [...changed, ...validateCidrs(spec)] : changed;
}

export const ServiceCIDRKind: Kind<ServiceCIDR> = defineKind<ServiceCIDR>({
  group: "networking.k8s.io",
  kind: "ServiceCIDR",
  plural: "servicecidrs",
  namespaced: false,
  statusKeepsMetadata: true,
  subresources: [STATUS],
  updateChecks: ["metadata", "changes"],
  nameRule: dnsSubdomain,
  validate: ({ spec = {} }) => validateCidrs(spec),
  validateUpdate,
  columns: [NAME_COLUMN, column("CIDRs", "The addresses that services get"), AGE_COLUMN],
  cells: (range, now_ms) => [range.metadata.name, (range.spec?.cidrs ?? []).join(","), ageOf(range, now_ms)],
});
