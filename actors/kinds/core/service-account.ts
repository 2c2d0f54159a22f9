import type { ServiceAccount } from "../generated/types.ts";
import type { Kind } from "../kind.ts";
import { validateObjectMeta } from "../metadata.ts";
import { dnsSubdomain } from "../names.ts";
import { AGE_COLUMN, ageOf, column, NAME_COLUMN } from "../table.ts";
import { ALL_VERBS } from "../verbs.ts";

export const ServiceAccountKind: Kind<ServiceAccount> = {
  group: "",
  version: "v1",
  kind: "ServiceAccount",
  plural: "serviceaccounts",
  singular: "serviceaccount",
  shortNames: ["sa"],
  categories: [],
  namespaced: true,
  verbs: ALL_VERBS,
  subresources: [{ name: "token", verbs: ["create"], gvk: { group: "authentication.k8s.io", version: "v1", kind: "TokenRequest" } }],
  schema: "io.k8s.api.core.v1.ServiceAccount",
  returnsDeletedObject: true,
  validate: (object) => validateObjectMeta(object.metadata, true, dnsSubdomain),
  columns: [NAME_COLUMN, column("Secrets", "The number of secrets"), AGE_COLUMN],
  cells: (object, now_ms) => [object.metadata.name, object.secrets?.length ?? 0, ageOf(object, now_ms)],
  selectableFields: {},
};
