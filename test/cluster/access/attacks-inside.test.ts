import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { recordingLog } from "../../runtime/stage.ts";
import type { Call, TestGateway } from "../gateway/harness.ts";
import { startGateway } from "../gateway/harness.ts";
import type { OutsideServer } from "./outside-server.ts";
import { startOutsideServer } from "./outside-server.ts";

const RBAC = "/apis/rbac.authorization.k8s.io/v1";
const GROUP = "rbac.authorization.k8s.io";
const CONFIGMAPS = "/api/v1/namespaces/default/configmaps";
const { log, lines } = recordingLog();
let outside: OutsideServer;
let server: TestGateway;
/** Who may write roles and bindings, and read pods of the namespace `default`, and nothing else. */
let eve: Call;

beforeAll(async () => {
  outside = await startOutsideServer();
  server = await startGateway({ ownPorts: [Number(new URL(outside.url).port)], wrap: (options) => ({ ...options, log }) });
  eve = server.client(await server.authority.client("eve", []));
  const rules = [
    { verbs: ["create", "update", "patch", "get", "delete"], apiGroups: [GROUP], resources: ["roles", "rolebindings"] },
    { verbs: ["get", "list"], apiGroups: [""], resources: ["pods"] },
  ];
  await server.call("POST", `${RBAC}/namespaces/default/roles`, { metadata: { name: "eve" }, rules });
  const subjects = [{ kind: "User", apiGroup: GROUP, name: "eve" }];
  const roleRef = { apiGroup: GROUP, kind: "Role", name: "eve" };
  await server.call("POST", `${RBAC}/namespaces/default/rolebindings`, { metadata: { name: "eve" }, subjects, roleRef });
});
afterAll(async () => {
  await server.stop();
  await outside.stop();
});

describe("who may write roles gets no more by them", () => {
  const role = (name: string, ...rules: readonly object[]) => ({ metadata: { name }, rules });
  const secrets = { verbs: ["get"], apiGroups: [""], resources: ["secrets"] };
  const pods = { verbs: ["get"], apiGroups: [""], resources: ["pods"] };
  const roles = `${RBAC}/namespaces/default/roles`;
  const bindings = `${RBAC}/namespaces/default/rolebindings`;

  test("than they have: a role of others' rights is refused, in Kubernetes' words", async () => {
    const answer = await eve("POST", roles, role("more", pods, secrets));
    expect([answer.status, answer.json().message]).toEqual([
      403,
      'roles.rbac.authorization.k8s.io "more" is forbidden: user "eve" (groups=["system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n{APIGroups:[""], Resources:["secrets"], Verbs:["get"]}',
    ]);
    expect((await eve("POST", roles, role("same", pods))).status).toBe(201);
  });

  test("than they had: neither by changing a role of theirs, nor by patching it", async () => {
    expect((await eve("POST", roles, role("grows", pods))).status).toBe(201);
    expect((await eve("PUT", `${roles}/grows`, role("grows", pods, secrets))).status).toBe(403);
    const patch = await eve("PATCH", `${roles}/grows`, { rules: [pods, secrets] }, { "content-type": "application/merge-patch+json" });
    expect(patch.status).toBe(403);
    expect((await eve("GET", "/api/v1/namespaces/default/secrets")).status).toBe(403);
  });

  test.each(["cluster-admin", "system:aggregate-to-edit", "system:node"])("by binding %s to themselves", async (name) => {
    const subjects = [{ kind: "User", apiGroup: GROUP, name: "eve" }];
    const body = {
      metadata: { name: `eve-${name.replaceAll(":", "-")}` },
      subjects,
      roleRef: { apiGroup: GROUP, kind: "ClusterRole", name },
    };
    const answer = await eve("POST", bindings, body);
    expect([answer.status, answer.json().message]).toEqual([
      403,
      expect.stringContaining("is attempting to grant RBAC permissions not currently held"),
    ]);
    expect((await eve("POST", `${RBAC}/clusterrolebindings`, body)).status).toBe(403);
  });

  test("by verbs that have no resource: escalate, bind, impersonate", async () => {
    for (const verbs of [["escalate"], ["bind"], ["*"]])
      expect((await eve("POST", roles, role("verbs", { verbs, apiGroups: [GROUP], resources: ["roles"] }))).status).toBe(403);
    expect((await eve("POST", roles, role("as", { verbs: ["impersonate"], apiGroups: [""], resources: ["users"] }))).status).toBe(403);
  });
});

describe("bodies that grow", () => {
  const laughs = Array.from(
    { length: 12 },
    (_, level) =>
      `a${level}: &a${level} [${Array(10)
        .fill(level === 0 ? "x" : `*a${level - 1}`)
        .join(",")}]`,
  ).join("\n");
  test.each<[string, string | Buffer, Record<string, string>, number]>([
    ["JSON that is nested a hundred thousand deep", `{"data":${"[".repeat(100_000)}${"]".repeat(100_000)}}`, {}, 400],
    ["YAML that refers to itself again and again", `metadata: {name: bomb}\n${laughs}`, { "content-type": "application/yaml" }, 400],
    ["YAML that is nested deep", `a: ${"[".repeat(50_000)}`, { "content-type": "application/yaml" }, 400],
    ["zeros that were compressed", gzipSync(Buffer.alloc(50 * 1024 * 1024)).toString("latin1"), { "content-encoding": "gzip" }, 400],
    ["JSON that is too large", `{"metadata":{"name":"x"},"data":{"a":"${"x".repeat(3 * 1024 * 1024)}"}}`, {}, 413],
  ])("%s is refused at once", async (_what, body, headers, status) => {
    const heap_bytes = process.memoryUsage().heapUsed;
    const answer = await server.call("POST", CONFIGMAPS, body.toString(), headers);
    expect(answer.status).toBe(status);
    expect(process.memoryUsage().heapUsed - heap_bytes).toBeLessThan(512 * 1024 * 1024);
    expect((await server.call("GET", "/readyz")).status).toBe(200);
  });
});

test("an aggregated API that is the cluster itself is not called", async () => {
  const port = Number(new URL(outside.url).port);
  const service = { metadata: { name: "self" }, spec: { type: "ExternalName", externalName: "localhost" } };
  await server.call("POST", "/api/v1/namespaces/default/services", service);
  const spec = {
    group: "self.example.org",
    version: "v1",
    groupPriorityMinimum: 1,
    versionPriority: 1,
    insecureSkipTLSVerify: true,
    service: { namespace: "default", name: "self", port },
  };
  const path = "/apis/apiregistration.k8s.io/v1/apiservices";
  await server.call("POST", path, { metadata: { name: "v1.self.example.org" }, spec });
  const available = await vi.waitUntil(
    async () =>
      (await server.call("GET", `${path}/v1.self.example.org`))
        .json()
        .status?.conditions?.find(({ type }: { type: string }) => type === "Available"),
    10_000,
  );
  expect(available).toMatchObject({
    status: "False",
    message: expect.stringContaining("is the cluster's own and is not called from inside it"),
  });
  expect((await server.call("GET", "/apis/self.example.org/v1/things")).status).toBe(503);
  expect(outside.asked).toEqual([]);
});

test("who is refused is in the log with the path and the address, and what they showed is not", async () => {
  const stranger = server.client(undefined);
  const refusals = () => lines.filter(({ message }) => message === "refused").map(({ fields }) => fields);
  await stranger("GET", "/api/v1/secrets", undefined, { authorization: "Bearer planted-token" });
  expect(refusals().at(-1)).toEqual({ path: "/api/v1/secrets", from: "127.0.0.1", refused: "Unauthorized" });
  await eve("GET", "/api/v1/namespaces/kube-system/secrets?token=planted-query");
  expect(refusals().at(-1)).toEqual({
    path: "/api/v1/namespaces/kube-system/secrets",
    from: "127.0.0.1",
    refused: expect.stringContaining('User "eve" cannot list resource "secrets"'),
  });
  expect(JSON.stringify(lines)).not.toContain("planted");
});
