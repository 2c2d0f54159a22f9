import { forbidden, invalid, notSupported } from "../field-error.ts";
import type { Lease } from "../generated/types.ts";
import type { Kind } from "../kind.ts";
import { dnsSubdomain, qualifiedName } from "../names.ts";
import type { FieldError } from "../status.ts";
import { AGE_COLUMN, ageOf, column, NAME_COLUMN } from "../table.ts";
import { ALL_VERBS } from "../verbs.ts";

const STRATEGIES: readonly string[] = ["OldestEmulationVersion"];

/** Kubernetes names the field twice. Source: ValidateCoordinatedLeaseStrategy. */
function validateStrategy(strategy: string): FieldError[] {
  const field = "spec.strategy.strategy";
  if (strategy.includes("/")) return qualifiedName(strategy).map((words) => invalid(field, strategy, words));
  return STRATEGIES.includes(strategy) ? [] : [notSupported(field, strategy, STRATEGIES)];
}

function validate(object: Lease): FieldError[] {
  const errors: FieldError[] = [];
  const { leaseDurationSeconds, leaseTransitions, strategy, preferredHolder } = object.spec ?? {};
  if (leaseDurationSeconds !== undefined && leaseDurationSeconds <= 0) {
    errors.push(invalid("spec.leaseDurationSeconds", leaseDurationSeconds, "must be greater than 0"));
  }
  if (leaseTransitions !== undefined && leaseTransitions < 0) {
    errors.push(invalid("spec.leaseTransitions", leaseTransitions, "must be greater than or equal to 0"));
  }
  if (strategy !== undefined) errors.push(...validateStrategy(strategy));
  if (preferredHolder && !strategy) errors.push(forbidden("spec.preferredHolder", "may only be specified if `strategy` is defined"));
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
  updatesNameRevision: true,
  verbs: ALL_VERBS,
  subresources: [],
  schema: "io.k8s.api.coordination.v1.Lease",
  createsOnUpdate: true,
  anyFinalizer: true,
  nameRule: dnsSubdomain,
  validate,
  columns: [NAME_COLUMN, column("Holder", "Who holds the lease now"), AGE_COLUMN],
  cells: (object, now_ms) => [object.metadata.name, object.spec?.holderIdentity ?? "", ageOf(object, now_ms)],
  selectableFields: {},
};
