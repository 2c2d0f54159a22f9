import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Auditor } from "../../../cluster/audit/auditor.ts";
import { readAuditPolicy } from "../../../cluster/audit/policy.ts";
import { systemClock } from "../../../runtime/mod.ts";
import type { Json, TestGateway } from "../gateway/harness.ts";
import { startGateway } from "../gateway/harness.ts";

const CONFIG_MAPS = "/api/v1/namespaces/default/configmaps";
const POLICY = {
  apiVersion: "audit.k8s.io/v1",
  kind: "Policy",
  omitManagedFields: true,
  rules: [
    { level: "None", nonResourceURLs: ["/livez"] },
    { level: "RequestResponse", nonResourceURLs: ["/troupe/*"] },
    { level: "RequestResponse", resources: [{ group: "", resources: ["configmaps", "secrets", "serviceaccounts/token"] }] },
    { level: "Request", resources: [{ group: "", resources: ["services"] }], omitStages: ["RequestReceived"] },
    { level: "Metadata" },
  ],
};

const records: Json[] = [];
let server: TestGateway;

beforeAll(async () => {
  const log = { written: 0, lost: 0, write: (record: object) => void records.push(structuredClone(record)) };
  const auditor = new Auditor({ policy: readAuditPolicy(POLICY), log, clock: systemClock() });
  server = await startGateway({ wrap: (options) => ({ ...options, auditor }) });
});
afterAll(() => server.stop());
beforeEach(() => void records.splice(0));

/** Records are complete a moment after the answer is out. */
async function completed(): Promise<Json> {
  await expect.poll(() => records.at(-1)?.stage).toMatch(/ResponseComplete|ResponseStarted/);
  return records.at(-1);
}

describe("the record of a request", () => {
  it("has both stages, what was asked and what was answered, without field managers", async () => {
    const object = { metadata: { name: "a" }, data: { k: "v" } };
    const answer = await server.call("POST", `${CONFIG_MAPS}?fieldManager=me`, object, { "user-agent": "test/1" });
    const record = await completed();
    expect(records.map(({ stage }) => stage)).toEqual(["RequestReceived", "ResponseComplete"]);
    expect(answer.headers["audit-id"]).toBe(record.auditID);
    expect(record).toMatchObject({
      kind: "Event",
      apiVersion: "audit.k8s.io/v1",
      level: "RequestResponse",
      requestURI: `${CONFIG_MAPS}?fieldManager=me`,
      verb: "create",
      user: { username: expect.any(String), groups: expect.arrayContaining(["system:masters"]) },
      sourceIPs: ["127.0.0.1"],
      userAgent: "test/1",
      objectRef: { resource: "configmaps", namespace: "default", name: "a", apiVersion: "v1" },
      responseStatus: { metadata: {}, code: 201 },
      requestObject: object,
      annotations: { "authorization.k8s.io/decision": "allow", "authorization.k8s.io/reason": "" },
    });
    expect(record.responseObject).toMatchObject({ kind: "ConfigMap", data: { k: "v" } });
    expect(record.responseObject.metadata.managedFields).toBeUndefined();
    expect(record.stageTimestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
    expect(records[0].responseStatus).toBeUndefined();
  });

  it("of a list has its items", async () => {
    await server.call("GET", CONFIG_MAPS);
    const { responseObject } = await completed();
    expect(responseObject).toMatchObject({ kind: "ConfigMapList", items: [{ metadata: { name: "a" } }] });
    expect(responseObject.items[0].metadata.managedFields).toBeUndefined();
  });

  it("of a patch has the patch, whatever it is written in", async () => {
    await server.call("PATCH", `${CONFIG_MAPS}/a`, { data: { k: "w" } }, { "content-type": "application/merge-patch+json" });
    expect((await completed()).requestObject).toEqual({ data: { k: "w" } });
    const apply = "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\n";
    await server.call("PATCH", `${CONFIG_MAPS}/a?fieldManager=x`, apply, { "content-type": "application/apply-patch+yaml" });
    expect((await completed()).requestObject).toEqual({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a" } });
  });

  it("of what is asked only has no answer, and leaves out stages", async () => {
    await server.call("POST", "/api/v1/namespaces/default/services", { metadata: { name: "s" }, spec: { ports: [{ port: 1 }] } });
    const record = await completed();
    expect(records).toHaveLength(1);
    expect([record.requestObject.metadata.name, record.responseObject]).toEqual(["s", undefined]);
  });

  it("of a failure says which", async () => {
    await server.call("GET", `${CONFIG_MAPS}/none`);
    expect((await completed()).responseStatus).toMatchObject({ status: "Failure", reason: "NotFound", code: 404 });
  });

  it("never has what holds secrets", async () => {
    await server.call("POST", "/api/v1/namespaces/default/secrets", { metadata: { name: "s" }, stringData: { p: "hunter2" } });
    await completed();
    await server.call("GET", "/api/v1/namespaces/default/secrets");
    await completed();
    const token = await server.call("POST", "/api/v1/namespaces/default/serviceaccounts/default/token", { spec: {} });
    expect((await completed()).level).toBe("Metadata");
    const session = (await server.call("POST", "/troupe/console-session", {})).json().token;
    expect(await completed()).toMatchObject({ verb: "post", level: "Metadata", requestURI: "/troupe/console-session" });
    const review = { spec: { token: token.json().status.token } };
    await server.call("POST", "/apis/authentication.k8s.io/v1/tokenreviews", review);
    await completed();
    const told = JSON.stringify(records);
    for (const secret of ["hunter2", Buffer.from("hunter2").toString("base64"), token.json().status.token, session])
      expect(told).not.toContain(secret);
  });

  it("says who was refused, and why", async () => {
    const stranger = server.client(undefined);
    await stranger("GET", CONFIG_MAPS);
    expect(await completed()).toMatchObject({
      user: { username: "system:anonymous", groups: ["system:unauthenticated"] },
      responseStatus: { status: "Failure", reason: "Forbidden", code: 403 },
      annotations: { "authorization.k8s.io/decision": "forbid" },
    });
    records.splice(0);
    await stranger("GET", CONFIG_MAPS, undefined, { authorization: "Bearer nope" });
    expect(await completed()).toMatchObject({
      stage: "ResponseStarted",
      user: {},
      responseStatus: { message: "Authentication failed, attempted: bearer", code: 401 },
    });
  });

  it("says as whom it was made", async () => {
    await server.call("GET", CONFIG_MAPS, undefined, { "impersonate-user": "jane" });
    expect(await completed()).toMatchObject({
      impersonatedUser: { username: "jane" },
      annotations: { "authorization.k8s.io/decision": "forbid" },
    });
  });

  it("of a watch begins with it and ends with it", async () => {
    const watch = await server.watch(`/api/v1/namespaces/default/pods?watch=1`);
    await expect.poll(() => records.map(({ stage }) => stage)).toEqual(["RequestReceived", "ResponseStarted"]);
    watch.close();
    await expect.poll(() => records.map(({ stage }) => stage)).toEqual(["RequestReceived", "ResponseStarted", "ResponseComplete"]);
    expect(records.at(-1)).toMatchObject({ verb: "watch", responseStatus: { code: 200 } });
  });

  it("is not made where the policy does not want it", async () => {
    const answer = await server.call("GET", "/livez");
    expect([records, answer.headers["audit-id"]]).toEqual([[], undefined]);
  });

  it("goes by the name that its client gave", async () => {
    const answer = await server.call("GET", CONFIG_MAPS, undefined, { "audit-id": "mine" });
    expect([answer.headers["audit-id"], (await completed()).auditID]).toEqual(["mine", "mine"]);
  });

  it("has what admission says of it", async () => {
    const labels = { "pod-security.kubernetes.io/audit": "restricted" };
    await server.call("POST", "/api/v1/namespaces", { metadata: { name: "audited", labels } });
    const spec = { containers: [{ name: "c", image: "i" }] };
    await server.call("POST", "/api/v1/namespaces/audited/serviceaccounts", { metadata: { name: "default" } });
    await completed();
    records.splice(0);
    await server.call("POST", "/api/v1/namespaces/audited/pods", { metadata: { name: "p" }, spec });
    expect((await completed()).annotations["pod-security.kubernetes.io/audit-violations"]).toMatch(
      /would violate PodSecurity "restricted:latest"/,
    );
  });
});
