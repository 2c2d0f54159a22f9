/**
 * The one table of API errors. Each function makes the StatusError that Kubernetes answers, with its reason, code, message and details.
 * Source: k8s.io/apimachinery/pkg/api/errors, and the answers of Kubernetes 1.34.
 */
import { aggregate, goQuote } from "./field-error.ts";
import type { FieldError, Status, StatusCause, StatusDetails } from "./status.ts";
import { StatusError } from "./status.ts";

/** What an error is about. A Kind is one; `{ group: "", plural: "pods/binding" }` names a subresource. */
export interface ResourceName {
  readonly group: string;
  readonly plural: string;
}

/** What an `invalid` error is about: the kind instead of the resource. */
export interface KindName {
  readonly group: string;
  readonly kind: string;
}

function qualified(group: string, name: string): string {
  return group === "" ? name : `${name}.${group}`;
}

function failure(code: number, reason: string, message: string, details?: StatusDetails): StatusError {
  const status: Status = {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    message,
    reason,
    ...(details === undefined ? {} : { details }),
    code,
  };
  return new StatusError(status);
}

function detailsOf(group: string, kind: string, name: string, more: Partial<StatusDetails> = {}): StatusDetails {
  return { ...(name === "" ? {} : { name }), ...(group === "" ? {} : { group }), ...(kind === "" ? {} : { kind }), ...more };
}

function retry(seconds: number): Partial<StatusDetails> {
  return seconds === 0 ? {} : { retryAfterSeconds: seconds };
}

/** 400. */
export function badRequest(message: string): StatusError {
  return failure(400, "BadRequest", message);
}

/** 401. */
export function unauthorized(message = "Unauthorized"): StatusError {
  return failure(401, "Unauthorized", message);
}

/** 403. `why` is the reason that stands after `is forbidden: `. */
export function forbidden(resource: ResourceName | undefined, name: string, why: string): StatusError {
  if (resource === undefined) return failure(403, "Forbidden", `forbidden: ${why}`, {});
  const what = qualified(resource.group, resource.plural);
  const subject = name === "" ? what : `${what} ${goQuote(name)}`;
  return failure(403, "Forbidden", `${subject} is forbidden: ${why}`, detailsOf(resource.group, resource.plural, name));
}

/** 404 for an object. */
export function notFound(resource: ResourceName, name: string): StatusError {
  const message = `${qualified(resource.group, resource.plural)} ${goQuote(name)} not found`;
  return failure(404, "NotFound", message, detailsOf(resource.group, resource.plural, name));
}

/** 404 for a resource type that is not served. */
export function resourceNotFound(): StatusError {
  return failure(404, "NotFound", "the server could not find the requested resource", {});
}

/** 405 for a verb that the resource does not have, or not now. */
export function methodNotAllowed(message = "the server does not allow this method on the requested resource"): StatusError {
  return failure(405, "MethodNotAllowed", message, {});
}

/** 405 for an action that the kind does not support: `patch is not supported on resources of kind "bindings"`. */
export function methodNotSupported(resource: ResourceName, action: string): StatusError {
  const message = `${action} is not supported on resources of kind ${goQuote(qualified(resource.group, resource.plural))}`;
  return failure(405, "MethodNotAllowed", message, detailsOf(resource.group, resource.plural, ""));
}

/** 406. `accepted` are the media types that would do. */
export function notAcceptable(accepted: readonly string[]): StatusError {
  return failure(406, "NotAcceptable", `only the following media types are accepted: ${accepted.join(", ")}`);
}

/** 406: what is there cannot be shown so. */
export function notAcceptableBecause(message: string): StatusError {
  return failure(406, "NotAcceptable", message);
}

/** 409: an object of this name exists. */
export function alreadyExists(resource: ResourceName, name: string): StatusError {
  const message = `${qualified(resource.group, resource.plural)} ${goQuote(name)} already exists`;
  return failure(409, "AlreadyExists", message, detailsOf(resource.group, resource.plural, name));
}

/** 409: no free name was found for a `generateName`. */
export function generateNameConflict(resource: ResourceName, name: string): StatusError {
  const message = `${qualified(resource.group, resource.plural)} ${goQuote(name)} already exists, the server was not able to generate a unique name for the object`;
  return failure(409, "AlreadyExists", message, detailsOf(resource.group, resource.plural, name, retry(1)));
}

/** What an update says when the object has changed meanwhile. Source: apiserver's registry.OptimisticLockErrorMsg. */
export const OBJECT_MODIFIED = "the object has been modified; please apply your changes to the latest version and try again";

/** 409: `Operation cannot be fulfilled on configmaps "a": <why>`. */
export function conflict(resource: ResourceName, name: string, why: string = OBJECT_MODIFIED): StatusError {
  const message = `Operation cannot be fulfilled on ${qualified(resource.group, resource.plural)} ${goQuote(name)}: ${why}`;
  return failure(409, "Conflict", message, detailsOf(resource.group, resource.plural, name));
}

/** 409 of server-side apply: other managers own the fields. */
export function applyConflict(causes: readonly StatusCause[], message: string): StatusError {
  return failure(409, "Conflict", message, { causes });
}

/** 410: the place is gone for good. */
export function gone(message: string): StatusError {
  return failure(410, "Gone", message);
}

/** 410: the revision asked for is no longer known. */
export function expired(message: string): StatusError {
  return failure(410, "Expired", message);
}

/** 413. */
export function requestEntityTooLarge(message: string): StatusError {
  return failure(413, "RequestEntityTooLarge", `Request entity too large: ${message}`);
}

/** 500 for an object that is too large to be stored: Kubernetes passes etcd's own words on, without a reason. */
export function requestTooLarge(): StatusError {
  return unclassified("etcdserver: request is too large");
}

/** 415. `accepted` are the media types that would do. */
export function unsupportedMediaType(accepted: readonly string[]): StatusError {
  const message = `the body of the request was in an unknown format - accepted media types include: ${accepted.join(", ")}`;
  return failure(415, "UnsupportedMediaType", message);
}

/** 422 with one cause for each field error. */
export function invalid(kind: KindName, name: string, errors: readonly FieldError[]): StatusError {
  const subject = `${qualified(kind.group, kind.kind)} ${goQuote(name)} is invalid`;
  const causes = errors.map((error): StatusCause => ({ reason: error.reason, message: error.message, field: error.field }));
  const message = errors.length === 0 ? subject : `${subject}: ${aggregate(errors)}`;
  return failure(422, "Invalid", message, detailsOf(kind.group, kind.kind, name, causes.length === 0 ? {} : { causes }));
}

/** 422 for a patch that does not fit its object; Kubernetes does not say why. */
export function patchDoesNotFit(): StatusError {
  return failure(422, "Invalid", "the server rejected our request due to an error in our request", {});
}

/** 500 without a reason: how Kubernetes answers an error that it has no class for. */
export function unclassified(message: string): StatusError {
  return new StatusError({ kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", message, code: 500 });
}

/** 429. Zero seconds: no Retry-After. */
export function tooManyRequests(message: string, retryAfter_s: number, causes: readonly StatusCause[] = []): StatusError {
  return failure(429, "TooManyRequests", message, { ...(causes.length === 0 ? {} : { causes }), ...retry(retryAfter_s) });
}

/** 429 of the eviction subresource. Source: pkg/registry/core/pod/storage/eviction.go. */
export function evictionRefused(budget: string, healthyWanted: number, healthyNow: number): StatusError {
  const message = `The disruption budget ${budget} needs ${healthyWanted} healthy pods and has ${healthyNow} currently`;
  return tooManyRequests("Cannot evict pod as it would violate the pod's disruption budget.", 0, [{ reason: "DisruptionBudget", message }]);
}

/** 500 of the eviction subresource, which gives it as its answer (201). Source: pkg/registry/core/pod/storage/eviction.go. */
export function tooManyBudgets(): StatusError {
  return unclassified("This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.");
}

/** 500. */
export function internalError(message: string): StatusError {
  const causes = [{ message }] as readonly Partial<StatusCause>[] as readonly StatusCause[];
  return failure(500, "InternalError", `Internal error occurred: ${message}`, { causes });
}

/** 500 that asks to be tried again: the operation could not be completed now. */
export function serverTimeout(resource: ResourceName, operation: string, retryAfter_s: number): StatusError {
  const what = qualified(resource.group, resource.plural);
  const message = `The ${operation} operation against ${what} could not be completed at this time, please try again.`;
  return failure(500, "ServerTimeout", message, detailsOf(resource.group, resource.plural, operation, retry(retryAfter_s)));
}

/** 503. */
export function serviceUnavailable(message: string, retryAfter_s?: number): StatusError {
  return failure(503, "ServiceUnavailable", message, retryAfter_s === undefined ? undefined : retry(retryAfter_s));
}

/** 504. The operation may still complete. */
export function timeout(message: string, retryAfter_s: number): StatusError {
  return failure(504, "Timeout", `Timeout: ${message}`, retry(retryAfter_s));
}

/** 504: the client asked for a revision that does not exist yet. */
export function resourceVersionTooLarge(requested: number, current: number): StatusError {
  return failure(504, "Timeout", `Timeout: Too large resource version: ${requested}, current: ${current}`, {
    causes: [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }],
    retryAfterSeconds: 1,
  });
}
