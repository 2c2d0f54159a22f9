import { invalid, required } from "../field-error.ts";
import type { Lease } from "../generated/types.ts";
import type { Kind } from "../kind.ts";
import { validateObjectMeta } from "../metadata.ts";
import { dnsSubdomain } from "../names.ts";
import type { FieldError } from "../status.ts";
import { AGE_COLUMN, ageOf, column, NAME_COLUMN } from "../table.ts";
import { ALL_VERBS } from "../verbs.ts";

function validate(object: Lease): FieldError[] {
  const errors = validateObjectMeta(object.metadata, true, dnsSubdomain);
  const { leaseDurationSeconds, leaseTransitions, holderIdentity, strategy, preferredHolder } = object.spec ?? {};
  if (leaseDurationSeconds !== undefined && leaseDurationSeconds <= 0) {
    errors.push(invalid("spec.leaseDurationSeconds", leaseDurationSeconds, "must be greater than 0"));
  }
  if (leaseTransitions !== undefined && leaseTransitions < 0) {
    errors.push(invalid("spec.leaseTransitions", leaseTransitions, "must be greater than or equal to 0"));
  }
  if (strategy !== undefined && strategy !== "OldestEmulationVersion" && !strategy.includes("/")) {
    errors.push(invalid("spec.strategy", strategy, "must be a known strategy or a fully qualified name"));
  }
  if (preferredHolder && !strategy) errors.push(required("spec.strategy", "strategy must be specified when preferredHolder is specified"));
  if (holderIdentity === "") errors.push(invalid("spec.holderIdentity", holderIdentity, "must not be empty"));
  return errors;
}

export const LeaseKind: Kind<Lease> = {
  group: "coordination.k8s.io",
  version: "v1",
  kind: "Lease",
  plural: "leases",
  singular: "lease",
  shortNames: [],
  categories: [],
  namespaced: true,
  verbs: ALL_VERBS,
  subresources: [],
  schema: "io.k8s.api.coordination.v1.Lease",
  createsOnUpdate: true,
  validate,
  columns: [NAME_COLUMN, column("Holder", "Who holds the lease now"), AGE_COLUMN],
  cells: (object, now_ms) => [object.metadata.name, object.spec?.holderIdentity ?? "", ageOf(object, now_ms)],
  selectableFields: {},
};
