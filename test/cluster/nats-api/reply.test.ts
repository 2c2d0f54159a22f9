import { unpack } from "msgpackr";
import { expect, test } from "vitest";
import { ConfigMapKind } from "../../../actors/kinds/core/config-map.ts";
import { badRequest, notFound } from "../../../actors/kinds/errors.ts";
import type { Kind } from "../../../actors/kinds/kind.ts";
import { encodeObject } from "../../../actors/kinds/text.ts";
import type { Entry, View } from "../../../actors/store/view.ts";
import type { ListAnswer } from "../../../cluster/gateway/answer.ts";
import { PAGE_NOT_FOUND } from "../../../cluster/gateway/answer.ts";
import { decodeContinue } from "../../../cluster/gateway/continue-token.ts";
import { failureAnswer } from "../../../cluster/gateway/failures.ts";
import { tooMany } from "../../../cluster/gateway/in-flight.ts";
import { parseRequest, type ResourceRequest } from "../../../cluster/gateway/route.ts";
import { PLAIN_FORM, type Reply, replyOf } from "../../../cluster/nats-api/reply.ts";
import { silentLogger } from "../../../runtime/mod.ts";

const kind = ConfigMapKind as unknown as Kind;
const NO_VIEW = {} as View;
const NOTHING: ReadonlyMap<string, string> = new Map();

function configMap(name: string, chars: number): Entry {
  const text = encodeObject({
    metadata: { name, namespace: "a", uid: name, creationTimestamp: "" },
    data: { k: "x".repeat(chars) },
  } as never);
  return { key: `configmaps/a/${name}`, revision: 7, text };
}

function listOf(count: number, chars: number): ListAnswer {
  const entries = Array.from({ length: count }, (_, index) => configMap(`m${String(index).padStart(3, "0")}`, chars));
  return { type: "list", kind, entries, revision: 9, continue: "", remaining: undefined };
}

const headersOf = ({ headers }: Reply): object =>
  Object.fromEntries((headers?.keys() ?? []).map((name) => [name, headers?.values(name).join(", ")]));
const jsonOf = ({ data }: Reply) => JSON.parse(String(data));

test("an object comes as it is, without a header to read", () => {
  const reply = replyOf({ type: "object", code: 200, kind, entry: configMap("m", 1) }, PLAIN_FORM, NOTHING, NO_VIEW, 0);
  expect(reply.headers).toBeUndefined();
  expect(jsonOf(reply)).toMatchObject({ kind: "ConfigMap", apiVersion: "v1", metadata: { name: "m", resourceVersion: "7" } });
});

test("a code that is not 200 is said", () => {
  const reply = replyOf(
    { type: "object", code: 201, kind, entry: configMap("m", 1) },
    PLAIN_FORM,
    new Map([["Warning", ["299 - a", "299 - b"]]]),
    NO_VIEW,
    0,
  );
  expect(headersOf(reply)).toEqual({ Code: "201", Warning: "299 - a, 299 - b" });
});

test("refusals are a Status with its code, and what NATS' tools call an error", () => {
  const refused = replyOf(failureAnswer(notFound(ConfigMapKind, "m"), silentLogger, "/x"), PLAIN_FORM, NOTHING, NO_VIEW, 0);
  expect(headersOf(refused)).toEqual({ "Nats-Service-Error-Code": "404", "Nats-Service-Error": 'configmaps "m" not found' });
  expect(jsonOf(refused)).toMatchObject({ kind: "Status", reason: "NotFound", code: 404 });
  const inLines = replyOf(failureAnswer(badRequest("a\r\nb"), silentLogger, "/x"), PLAIN_FORM, NOTHING, NO_VIEW, 0);
  expect(headersOf(inLines)).toMatchObject({ "Nats-Service-Error": "a b" });
});

test("what HTTP says in plain words is a Status, too", () => {
  expect(jsonOf(replyOf(PAGE_NOT_FOUND, PLAIN_FORM, NOTHING, NO_VIEW, 0))).toMatchObject({ kind: "Status", code: 404, reason: "NotFound" });
  expect(jsonOf(replyOf(tooMany(3), PLAIN_FORM, NOTHING, NO_VIEW, 0))).toMatchObject({
    kind: "Status",
    code: 429,
    reason: "TooManyRequests",
    details: { retryAfterSeconds: 3 },
  });
  const odd = replyOf({ type: "text", code: 500, text: "no\n" }, PLAIN_FORM, NOTHING, NO_VIEW, 0);
  expect(jsonOf(odd)).toMatchObject({ kind: "Status", code: 500, message: "no" });
});

test("who asks for MessagePack gets it, errors included", () => {
  const form = { ...PLAIN_FORM, messagePack: true };
  const object = replyOf({ type: "object", code: 200, kind, entry: configMap("m", 1) }, form, NOTHING, NO_VIEW, 0);
  expect(headersOf(object)).toEqual({ "Content-Type": "application/msgpack" });
  expect(unpack(object.data as Buffer)).toMatchObject({ kind: "ConfigMap", metadata: { name: "m" } });
  const refused = replyOf(failureAnswer(badRequest("no"), silentLogger, "/x"), form, NOTHING, NO_VIEW, 0);
  expect(unpack(refused.data as Buffer)).toMatchObject({ kind: "Status", code: 400 });
});

test("a list that no message holds comes as its first page", () => {
  const reply = replyOf(listOf(100, 10_000), PLAIN_FORM, NOTHING, NO_VIEW, 0);
  const { items, metadata } = jsonOf(reply);
  expect(reply.data.length).toBeLessThan(768 * 1024);
  expect(items.length).toBeGreaterThan(50);
  expect(metadata.remainingItemCount).toBe(100 - items.length);
  expect(decodeContinue(metadata.continue)).toEqual({ revision: 9, start: `a/${items.at(-1).metadata.name}\0` });
});

test("where the server takes less, the page is smaller; what cannot be cut is refused with what to do", () => {
  const form = { ...PLAIN_FORM, bytesMax: 50_000 };
  const reply = replyOf(listOf(20, 10_000), form, NOTHING, NO_VIEW, 0);
  expect(reply.data.length).toBeLessThanOrEqual(50_000);
  expect(jsonOf(reply).items.length + jsonOf(reply).metadata.remainingItemCount).toBe(20);
  const whole = replyOf({ type: "object", code: 200, kind, entry: configMap("m", 60_000) }, form, NOTHING, NO_VIEW, 0);
  expect(whole.code).toBe(413);
  expect(jsonOf(whole)).toMatchObject({ kind: "Status", message: expect.stringContaining("ask by HTTPS") });
});

test("of too many that were deleted the number is told, since the rest cannot be asked for", () => {
  const info = parseRequest("DELETE", "/api/v1/namespaces/a/configmaps") as ResourceRequest;
  expect(jsonOf(replyOf(listOf(100, 10_000), PLAIN_FORM, NOTHING, NO_VIEW, 0, info))).toMatchObject({
    kind: "Status",
    status: "Success",
    message: expect.stringContaining("100 configmaps were deleted"),
  });
});
