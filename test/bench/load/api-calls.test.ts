import { expect, test } from "vitest";
import type { Answer, ApiClient } from "../../../bench/driver/api-client.ts";
import { ApiCalls } from "../../../bench/load/api-calls.ts";

const CREATE = { verb: "create", resource: "configmaps", scope: "resource" } as const;
const REQUEST = { method: "POST", path: "/api/v1/namespaces/d/configmaps", body: "{}" } as const;

/** Calls of a server that answers with these statuses, one after another. */
function callsOf(...statuses: readonly number[]): ApiCalls {
  const answers = statuses.map((status): Answer => ({ status, body: '{"message":"why"}', retryAfter_s: 0.001 }));
  const client = { send: () => Promise.resolve(answers.shift()) };
  return new ApiCalls(client as unknown as ApiClient, new AbortController().signal);
}

test("a busy server is asked again, and each try is a call; what it made although it said that it is busy is made", async () => {
  const calls = callsOf(429, 503, 409);
  expect((await calls.send(CREATE, REQUEST)).status).toBe(409);
  expect(calls.busy).toBe(2);
});

test("what was there before is not what the run made", async () => {
  await expect(callsOf(409).send(CREATE, REQUEST)).rejects.toThrow("POST /api/v1/namespaces/d/configmaps was answered 409: why");
});
