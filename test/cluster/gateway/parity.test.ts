import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DIFFERENT } from "../../api-coverage/differences.ts";
import type { Conversation } from "./conversation.ts";
import { askBy, inAnyOrder, replay } from "./conversation.ts";
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

describe("what Kubernetes 1.34.9 answered", () => {
  test.each(conversations.map((one, index) => [one.name, one, index] as const))("%s", async (name, conversation, index) => {
    const namespace = `parity-${index}`;
    await server.call("POST", "/api/v1/namespaces", { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } });
    const account = { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "default" } };
    await server.call("POST", `/api/v1/namespaces/${namespace}/serviceaccounts`, account);
    const { wanted, got } = await replay(conversation, namespace, askBy(server.call));
    if (DIFFERENT.has(name)) expect(inAnyOrder(got), "it agrees now: take it off the list").not.toEqual(inAnyOrder(wanted));
    else expect(inAnyOrder(got)).toEqual(inAnyOrder(wanted));
  });
});
