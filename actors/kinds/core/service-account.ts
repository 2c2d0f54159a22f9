import type { ServiceAccount } from "../generated/types.ts";
import type { Kind } from "../kind.ts";
import { dnsSubdomain } from "../names.ts";
import { AGE_COLUMN, ageOf, column, NAME_COLUMN } from "../table.ts";
import { ALL_VERBS } from "../verbs.ts";

/** Of a secret only its name counts. Source: serviceaccount strategy's cleanSecretReferences. */
function nameSecrets(account: ServiceAccount): void {
  if (account.secrets !== undefined) account.secrets = account.secrets.map(({ name }) => (name === undefined ? {} : { name }));
}

const MOUNTABLE = "kubernetes.io/enforce-mountable-secrets";

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
  prepareForCreate: nameSecrets,
  prepareForUpdate: nameSecrets,
  nameRule: dnsSubdomain,
  validate: () => [],
  updateChecks: ["metadata", "whole"],
  warnings: ({ metadata }, current) => {
    const isNew = current?.metadata.annotations?.[MOUNTABLE] === undefined && metadata.annotations?.[MOUNTABLE] !== undefined;
    const words = "deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets";
    return isNew ? [`metadata.annotations[${MOUNTABLE}]: ${words}`] : [];
  },
  columns: [NAME_COLUMN, column("Secrets", "The number of secrets"), AGE_COLUMN],
  cells: (object, now_ms) => [object.metadata.name, object.secrets?.length ?? 0, ageOf(object, now_ms)],
  selectableFields: {},
};
