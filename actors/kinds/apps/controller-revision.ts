import { invalid, required } from "../field-error.ts";
import { nonNegative } from "../field-rules.ts";
import type { ControllerRevision } from "../generated/types.ts";
import { type Kind, splitApiVersion } from "../kind.ts";
import { semanticEqual } from "../machinery/equal.ts";
import { dnsSubdomain } from "../names.ts";
import type { FieldError } from "../status.ts";
import { AGE_COLUMN, ageOf, column, NAME_COLUMN, NONE } from "../table.ts";
import { ALL_VERBS } from "../verbs.ts";

/** `current`: what an update replaces, whose data stay. */
function validate({ revision, data }: ControllerRevision, current: ControllerRevision | undefined): FieldError[] {
  const errors = [...nonNegative(revision, "revision")];
  if (current !== undefined) return errors;
  if (data === undefined || data === null) errors.push(required("data", "data is mandatory"));
  else if (typeof data !== "object" || Array.isArray(data)) errors.push(required("data", "data must be a valid JSON object"));
  return errors;
}

/** `statefulset.apps/web`. */
function controllerOf(revision: ControllerRevision): string {
  const owner = revision.metadata.ownerReferences?.find((reference) => reference.controller === true);
  if (owner === undefined) return NONE;
  const [group] = splitApiVersion(owner.apiVersion);
  const kind = owner.kind.toLowerCase();
  return group === "" ? `${kind}/${owner.name}` : `${kind}.${group}/${owner.name}`;
}

export const ControllerRevisionKind: Kind<ControllerRevision> = {
  group: "apps",
  version: "v1",
  kind: "ControllerRevision",
  plural: "controllerrevisions",
  singular: "controllerrevision",
  shortNames: [],
  categories: [],
  namespaced: true,
  verbs: ALL_VERBS,
  subresources: [],
  schema: "io.k8s.api.apps.v1.ControllerRevision",
  updateChecks: ["metadata", "whole", "changes"],
  nameRule: dnsSubdomain,
  validate,
  validateUpdate: (next, current) =>
    semanticEqual(next.data, current.data) ? [] : [invalid("data", next.data ?? null, "field is immutable")],
  columns: [
    NAME_COLUMN,
    column("Controller", "Whose history it is"),
    column("Revision", "Its number; the highest is the newest"),
    AGE_COLUMN,
  ],
  cells: (revision, now_ms) => [revision.metadata.name, controllerOf(revision), revision.revision, ageOf(revision, now_ms)],
  selectableFields: {},
};
