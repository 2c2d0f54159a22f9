import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { Conversation } from "../gateway/conversation.ts";
import { askBy, inAnyOrder, replay } from "../gateway/conversation.ts";
import type { Call, TestGateway } from "../gateway/harness.ts";
import { startGateway } from "../gateway/harness.ts";

const recorded = readFileSync(new URL("../../parity/access.jsonl", import.meta.url), "utf8");
const conversations = recorded
  .trimEnd()
  .split("\n")
  .map((line) => JSON.parse(line) as Conversation);

/** Its answer says what program it is, and this is another one: docs/security.md. */
const OURS_ALONE = "GET /version";

let server: TestGateway;
/** Asks as the administrator of the recordings. */
let call: Call;
beforeAll(async () => {
  server = await startGateway({ controllers: ["cluster-role-aggregation", "node-ttl"] });
  call = server.client(await server.authority.client("kubernetes-admin", ["system:masters"]));
  await vi.waitUntil(async () => {
    const [admin, edit] = [await rulesOf("admin"), await rulesOf("edit")];
    return edit.length > 20 && admin.length > edit.length;
  });
});
afterAll(() => server.stop());

async function rulesOf(role: string): Promise<readonly unknown[]> {
  return (await call("GET", `/apis/rbac.authorization.k8s.io/v1/clusterroles/${role}`)).json().rules ?? [];
}

describe("what Kubernetes 1.34.9 answered about access", () => {
  test.each(conversations.map((one, index) => [one.name, one, index] as const))("%s", async (_name, conversation, index) => {
    const namespace = `access-${index}`;
    await call("POST", "/api/v1/namespaces", { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } });
    const account = { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "default" } };
    await call("POST", `/api/v1/namespaces/${namespace}/serviceaccounts`, account);
    const { wanted, got } = await replay(conversation, namespace, askBy(call));
    const comparable = (answers: readonly unknown[]): unknown =>
      inAnyOrder(answers.filter((answer) => (answer as { what: string }).what !== OURS_ALONE));
    expect(comparable(got)).toEqual(comparable(wanted));
  });
});
