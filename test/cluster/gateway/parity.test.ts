import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DIFFERENT } from "../../api-coverage/differences.ts";
import type { Ask, Conversation } from "./conversation.ts";
import { replay } from "./conversation.ts";
import type { TestGateway } from "./harness.ts";
import { startGateway } from "./harness.ts";

const recorded = readFileSync(new URL("../../parity/api.jsonl", import.meta.url), "utf8");
const conversations = recorded
  .trimEnd()
  .split("\n")
  .map((line) => JSON.parse(line) as Conversation);

let server: TestGateway;
beforeAll(async () => {
  server = await startGateway();
});
afterAll(() => server.stop());

const ask: Ask = async ({ method, path, headers = {}, body }) => {
  const answer = await server.call(method, path, body, { accept: "application/json", ...headers });
  if (/[?&]watch=(1|true)/.test(path) && answer.status === 200) {
    return {
      status: 200,
      body: {
        events: answer.text
          .split("\n")
          .filter(Boolean)
          .map((line) => JSON.parse(line) as unknown),
      },
    };
  }
  try {
    return { status: answer.status, body: answer.text === "" ? "" : answer.json() };
  } catch {
    return { status: answer.status, body: answer.text };
  }
};

describe("what Kubernetes 1.34.9 answered", () => {
  test.each(conversations.map((one, index) => [one.name, one, index] as const))("%s", async (name, conversation, index) => {
    const namespace = `parity-${index}`;
    await server.call("POST", "/api/v1/namespaces", { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } });
    const account = { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "default" } };
    await server.call("POST", `/api/v1/namespaces/${namespace}/serviceaccounts`, account);
    const { wanted, got } = await replay(conversation, namespace, ask);
    if (DIFFERENT.has(name)) expect(inAnyOrder(got), "it agrees now: take it off the list").not.toEqual(inAnyOrder(wanted));
    else expect(inAnyOrder(got)).toEqual(inAnyOrder(wanted));
  });
});

/** Managers stand in the order of their times in whole seconds, which a second that turns between two writes changes. */
function inAnyOrder(value: unknown, member = ""): unknown {
  if (Array.isArray(value)) {
    const items = value.map((one) => inAnyOrder(one));
    return member === "managedFields" ? items.sort((a, b) => (managerOf(a) < managerOf(b) ? -1 : 1)) : items;
  }
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, inAnyOrder(one, name)]));
}

function managerOf(entry: unknown): string {
  const { manager = "", operation = "", subresource = "" } = entry as { manager?: string; operation?: string; subresource?: string };
  return `${manager} ${operation} ${subresource}`;
}
