import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { Conversation } from "../gateway/conversation.ts";
import { askBy, inAnyOrder, replay } from "../gateway/conversation.ts";
import type { TestGateway } from "../gateway/harness.ts";
import { startGateway } from "../gateway/harness.ts";

const recorded = readFileSync(new URL("../../parity/access.jsonl", import.meta.url), "utf8");
const conversations = recorded
  .trimEnd()
  .split("\n")
  .map((line) => JSON.parse(line) as Conversation);

/** Its answer says what program it is, and this is another one: docs/security.md. */
const OURS_ALONE = "GET /version";

let server: TestGateway;
beforeAll(async () => {
  server = await startGateway({ controllers: ["cluster-role-aggregation", "node-ttl"] });
  await vi.waitUntil(async () => {
    const [admin, edit] = [await rulesOf("admin"), await rulesOf("edit")];
    return edit.length > 20 && admin.length > edit.length;
  });
});
afterAll(() => server.stop());

async function rulesOf(role: string): Promise<readonly unknown[]> {
  return (await server.call("GET", `/apis/rbac.authorization.k8s.io/v1/clusterroles/${role}`)).json().rules ?? [];
}

describe("what Kubernetes 1.34.9 answered about access", () => {
  test.each(conversations.map((one, index) => [one.name, one, index] as const))("%s", async (_name, conversation, index) => {
    const namespace = `access-${index}`;
    await server.call("POST", "/api/v1/namespaces", { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } });
    const account = { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "default" } };
    await server.call("POST", `/api/v1/namespaces/${namespace}/serviceaccounts`, account);
    const { wanted, got } = await replay(conversation, namespace, askBy(server.call));
    const comparable = (answers: readonly unknown[]): unknown =>
      inAnyOrder(answers.filter((answer) => (answer as { what: string }).what !== OURS_ALONE));
    expect(comparable(got)).toEqual(comparable(wanted));
  });
});
