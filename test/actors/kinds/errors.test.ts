import { expect, test } from "vitest";
import * as errors from "../../../actors/kinds/errors.ts";
import {
  duplicate,
  forbidden,
  invalid,
  notFoundValue,
  notSupported,
  required,
  tooLong,
  tooMany,
} from "../../../actors/kinds/field-error.ts";
import type { StatusError } from "../../../actors/kinds/status.ts";

const CONFIG_MAPS = { group: "", plural: "configmaps" };
const DEPLOYMENTS = { group: "apps", plural: "deployments" };

/** Function, code, reason, message: one row for each error of the table. */
const TABLE: readonly (readonly [StatusError, number, string | undefined, string])[] = [
  [errors.badRequest("no"), 400, "BadRequest", "no"],
  [errors.unauthorized(), 401, "Unauthorized", "Unauthorized"],
  [errors.forbidden(DEPLOYMENTS, "d", "because"), 403, "Forbidden", 'deployments.apps "d" is forbidden: because'],
  [errors.forbidden(CONFIG_MAPS, "", "because"), 403, "Forbidden", "configmaps is forbidden: because"],
  [errors.forbidden(undefined, "", "because"), 403, "Forbidden", "forbidden: because"],
  [errors.notFound(DEPLOYMENTS, "d"), 404, "NotFound", 'deployments.apps "d" not found'],
  [errors.resourceNotFound(), 404, "NotFound", "the server could not find the requested resource"],
  [errors.methodNotAllowed(), 405, "MethodNotAllowed", "the server does not allow this method on the requested resource"],
  [errors.methodNotSupported(CONFIG_MAPS, "patch"), 405, "MethodNotAllowed", 'patch is not supported on resources of kind "configmaps"'],
  [errors.notAcceptable(["a/b", "c/d"]), 406, "NotAcceptable", "only the following media types are accepted: a/b, c/d"],
  [errors.alreadyExists(CONFIG_MAPS, "c"), 409, "AlreadyExists", 'configmaps "c" already exists'],
  [
    errors.generateNameConflict(CONFIG_MAPS, "c"),
    409,
    "AlreadyExists",
    'configmaps "c" already exists, the server was not able to generate a unique name for the object',
  ],
  [
    errors.conflict(CONFIG_MAPS, "c"),
    409,
    "Conflict",
    'Operation cannot be fulfilled on configmaps "c": the object has been modified; please apply your changes to the latest version and try again',
  ],
  [errors.applyConflict([], "said"), 409, "Conflict", "said"],
  [errors.gone("went"), 410, "Gone", "went"],
  [errors.expired("old"), 410, "Expired", "old"],
  [errors.requestEntityTooLarge("limit is 3"), 413, "RequestEntityTooLarge", "Request entity too large: limit is 3"],
  [errors.requestTooLarge(), 500, undefined, "etcdserver: request is too large"],
  [
    errors.unsupportedMediaType(["a/b"]),
    415,
    "UnsupportedMediaType",
    "the body of the request was in an unknown format - accepted media types include: a/b",
  ],
  [
    errors.invalid({ group: "apps", kind: "Deployment" }, "d", [required("spec")]),
    422,
    "Invalid",
    'Deployment.apps "d" is invalid: spec: Required value',
  ],
  [errors.patchDoesNotFit(), 422, "Invalid", "the server rejected our request due to an error in our request"],
  [errors.tooManyRequests("later", 1), 429, "TooManyRequests", "later"],
  [errors.evictionRefused("b", 2, 1), 429, "TooManyRequests", "Cannot evict pod as it would violate the pod's disruption budget."],
  [
    errors.tooManyBudgets(),
    500,
    undefined,
    "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.",
  ],
  [errors.internalError("oh"), 500, "InternalError", "Internal error occurred: oh"],
  [
    errors.serverTimeout(CONFIG_MAPS, "create", 2),
    500,
    "ServerTimeout",
    "The create operation against configmaps could not be completed at this time, please try again.",
  ],
  [errors.unclassified("odd"), 500, undefined, "odd"],
  [errors.serviceUnavailable("down"), 503, "ServiceUnavailable", "down"],
  [errors.timeout("slow", 1), 504, "Timeout", "Timeout: slow"],
  [errors.resourceVersionTooLarge(9, 3), 504, "Timeout", "Timeout: Too large resource version: 9, current: 3"],
];

test.each(TABLE.map(([error, code, reason, message]) => [message, error, code, reason] as const))("%s", (message, error, code, reason) => {
  expect(error.status).toMatchObject({ kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", code, message });
  expect(error.status.reason).toBe(reason);
  expect(error.message).toBe(message);
});

test("every error of the table has a row", () => {
  const functions = Object.entries(errors).filter(([, value]) => typeof value === "function");
  const shown = new Set(TABLE.map(([error]) => `${error.status.code} ${error.status.reason} ${error.status.message?.slice(0, 12)}`));
  expect(shown.size).toBeGreaterThanOrEqual(functions.length);
});

test("details name what the error is about", () => {
  expect(errors.notFound(DEPLOYMENTS, "d").status.details).toEqual({ name: "d", group: "apps", kind: "deployments" });
  expect(errors.resourceNotFound().status.details).toEqual({});
  expect(errors.tooManyRequests("later", 7).status.details).toEqual({ retryAfterSeconds: 7 });
  expect(errors.evictionRefused("b", 2, 1).status.details?.causes).toEqual([
    { reason: "DisruptionBudget", message: "The disruption budget b needs 2 healthy pods and has 1 currently" },
  ]);
});

test("several causes are listed, repetitions said once", () => {
  const error = errors.invalid({ group: "", kind: "Pod" }, "p", [required("a"), required("a"), required("b", "why")]);
  expect(error.status.message).toBe('Pod "p" is invalid: [a: Required value, b: Required value: why]');
  expect(error.status.details?.causes).toHaveLength(3);
});

test.each([
  [invalid("f", -1, "must be more"), "Invalid value: -1: must be more"],
  [invalid("f", 'a"b', "no"), 'Invalid value: "a\\"b": no'],
  [invalid("f", { a: "<b>" }, "no"), 'Invalid value: {"a":"\\u003cb\\u003e"}: no'],
  [invalid("f", null, "no"), "Invalid value: null: no"],
  [notFoundValue("f", "v"), 'Not found: "v"'],
  [duplicate("f", "v"), 'Duplicate value: "v"'],
  [notSupported("f", "v", ["a", "b"]), 'Unsupported value: "v": supported values: "a", "b"'],
  [forbidden("f", "no"), "Forbidden: no"],
  [tooLong("f", 63), "Too long: may not be more than 63 bytes"],
  [tooMany("f", 9, 1), "Too many: 9: must have at most 1 item"],
])("%j", (error, message) => {
  expect(error.message).toBe(message);
});
