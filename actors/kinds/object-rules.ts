/** What is wrong with an object as a whole, in the order in which Kubernetes lists it. Source: apiserver's rest.BeforeCreate, rest.BeforeUpdate. */
import type { Kind, UpdateCheck } from "./kind.ts";
import { validateObjectMeta, validateObjectMetaUpdate, validateStandardFinalizer } from "./metadata.ts";
import { type NameRule, pathSegment } from "./names.ts";
import type { KubeObject, ObjectMeta } from "./object.ts";
import type { FieldError } from "./status.ts";

const UPDATE_CHECKS: readonly UpdateCheck[] = ["metadata", "content", "changes"];

type Rules<T extends KubeObject> = Pick<
  Kind<T>,
  "namespaced" | "nameRule" | "anyFinalizer" | "updateChecks" | "validate" | "validateUpdate"
>;

function metadataErrors<T extends KubeObject>(kind: Rules<T>, object: T): FieldError[] {
  const rule: NameRule = kind.nameRule === undefined ? pathSegment : (name) => kind.nameRule?.(name, object) ?? [];
  return validateObjectMeta(object.metadata, kind.namespaced, rule);
}

/** What Kubernetes' own kinds insist on beyond what all do. */
function finalizerErrors<T extends KubeObject>(kind: Rules<T>, { finalizers }: ObjectMeta): FieldError[] {
  if (kind.anyFinalizer === true || finalizers === undefined) return [];
  return finalizers.flatMap((name, index) => validateStandardFinalizer(name, `metadata.finalizers[${index}]`));
}

/** Of an object that is to be made. */
export function errorsInNew<T extends KubeObject>(kind: Rules<T>, object: T): FieldError[] {
  const metadata = metadataErrors(kind, object);
  if (kind.nameRule !== undefined) return [...metadata, ...finalizerErrors(kind, object.metadata), ...kind.validate(object)];
  const errors = kind.validate(object);
  return errors.length > 0 ? errors : metadata;
}

/** Of metadata that an update brings, whatever the kind and the door. */
function errorsInMetadata<T extends KubeObject>(kind: Rules<T>, next: T, current: T): { common: FieldError[]; changed: FieldError[] } {
  const changed = validateObjectMetaUpdate(next.metadata, current.metadata);
  return { common: [...metadataErrors(kind, next), ...changed], changed: [...changed, ...finalizerErrors(kind, next.metadata)] };
}

/**
 * Of an object that is to replace another. What is wrong with metadata is told as often as Kubernetes tells it: once or twice for all kinds, and
 * again by the kind's own rules.
 */
export function errorsInUpdate<T extends KubeObject>(kind: Rules<T>, next: T, current: T): FieldError[] {
  const { common, changed } = errorsInMetadata(kind, next, current);
  const content = kind.validate(next, current);
  const changes = kind.validateUpdate?.(next, current) ?? [];
  const checks = kind.updateChecks ?? UPDATE_CHECKS;
  if (common.length + changed.length + content.length + changes.length === 0) return [];
  const whole = checks.includes("whole") ? [...metadataErrors(kind, next), ...finalizerErrors(kind, next.metadata), ...content] : [];
  const found: Readonly<Record<UpdateCheck, readonly FieldError[]>> = { metadata: changed, content, whole, changes };
  return [...common, ...checks.flatMap((check) => found[check])];
}

/** Of metadata that comes along with a status. */
export function errorsBesideStatus<T extends KubeObject>(kind: Rules<T>, next: T, current: T): FieldError[] {
  const { common, changed } = errorsInMetadata(kind, next, current);
  return [...common, ...changed];
}
