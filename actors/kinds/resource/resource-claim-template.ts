import { defineKind } from "../define-kind.ts";
import { immutable } from "../field-rules.ts";
import type { ResourceClaimTemplate } from "../generated/types.ts";
import type { Kind } from "../kind.ts";
import { validateTemplateMetadata } from "../metadata.ts";
import { dnsSubdomain } from "../names.ts";
import type { FieldError } from "../status.ts";
import { AGE_COLUMN, ageOf, NAME_COLUMN } from "../table.ts";
import { adminRequest, defaultDeviceClaim, dropDisabledOfClaim, validateDeviceClaim } from "./device-claim.ts";

/** Source: validateResourceClaimTemplateSpec. */
function validateSpec({ spec }: ResourceClaimTemplate, known: boolean): FieldError[] {
  return [
    ...validateTemplateMetadata(spec.metadata ?? {}, "spec.metadata"),
    ...validateDeviceClaim(spec.spec?.devices, known, "spec.spec.devices"),
  ];
}

function dropDisabled({ spec }: ResourceClaimTemplate): void {
  dropDisabledOfClaim(spec.spec?.devices);
}

export const ResourceClaimTemplateKind: Kind<ResourceClaimTemplate> = defineKind<ResourceClaimTemplate>({
  group: "resource.k8s.io",
  kind: "ResourceClaimTemplate",
  plural: "resourceclaimtemplates",
  namespaced: true,
  returnsDeletedObject: true,
  applyDefaults: ({ spec }) => defaultDeviceClaim(spec.spec?.devices),
  prepareForCreate: dropDisabled,
  prepareForUpdate: dropDisabled,
  updateChecks: ["whole", "metadata", "changes"],
  nameRule: dnsSubdomain,
  adminAccess: ({ spec }, current) => (current === undefined ? adminRequest(spec.spec?.devices) : undefined),
  validate: (template) => validateSpec(template, false),
  validateUpdate: (next, current) => [
    ...immutable(next.spec, current.spec, "spec", "ResourceClaimTemplateSpec"),
    ...validateSpec(next, true),
  ],
  columns: [NAME_COLUMN, AGE_COLUMN],
  cells: (template, now_ms) => [template.metadata.name, ageOf(template, now_ms)],
});
