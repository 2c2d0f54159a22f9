import { X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join as pathJoin } from "node:path";
import { createUser } from "nkeys.js";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { requestCertificate } from "../../../cluster/joining/certificate.ts";
import { discover, publicKeyOf } from "../../../cluster/joining/discovery.ts";
import type { JoinTarget } from "../../../cluster/joining/flags.ts";
import { openForJoining } from "../../../cluster/joining/init.ts";
import { join, renewNode, requestServing } from "../../../cluster/joining/join.ts";
import { MemberFiles } from "../../../cluster/joining/member-files.ts";
import { withSession } from "../../../cluster/joining/session.ts";
import { authorityHash, newToken, parseToken, tokenText } from "../../../cluster/joining/token.ts";
import { runToken } from "../../../cluster/joining/token-command.ts";
import { NatsAccounts } from "../../../cluster/nats/accounts.ts";
import { lifeOf } from "../../../cluster/pki/certificates.ts";
import type { KeyPair } from "../../../cluster/pki/issuing.ts";
import { writeKubeconfig } from "../../../cluster/pki/kubeconfig.ts";
import type { Json, TestGateway } from "../gateway/harness.ts";
import { startGateway } from "../gateway/harness.ts";

const directory = mkdtempSync(pathJoin(tmpdir(), "troupe-joining-"));
const kubeconfig = pathJoin(directory, "admin.kubeconfig");
const accounts = NatsAccounts.open(pathJoin(directory, "nats.keys"));
const token = newToken();
const CONFIG = {
  clusterDomain: "cluster.local",
  serviceRange: "10.96.0.0/16",
  forwarded: false,
  dns: false,
  podRanges: ["10.244.0.0/16", "10.9.0.0/16"],
  routes: [{ to: "10.244.0.0/17", via: "192.0.2.1" }],
};
const REQUESTS = "/apis/certificates.k8s.io/v1/certificatesigningrequests";
let server: TestGateway;
let hash: string;
let line: string;

beforeAll(async () => {
  server = await startGateway({
    controllers: ["bootstrap-signer", "bootstrap-token-cleaner", "certificate-approval", "certificate-signing"],
    wrap: (options) => ({ ...options, nats: { accounts, servers: ["tls://127.0.0.1:1"], ca: "CA" } }),
  });
  writeKubeconfig(kubeconfig, { server: server.url, authority: server.authority.cert, user: server.admin });
  line = await openForJoining(kubeconfig, token, 3_600_000, CONFIG);
  hash = authorityHash(publicKeyOf(server.authority.cert));
});
afterAll(async () => {
  await server.stop();
  rmSync(directory, { recursive: true, force: true });
});

const target = (node: string, more: Partial<JoinTarget> = {}): JoinTarget => ({
  server: server.url,
  token,
  authorityHashes: [hash],
  node,
  ...more,
});
let machines = 0;
const machine = (): MemberFiles => new MemberFiles(pathJoin(directory, `machine-${machines++}`));
const get = async (path: string): Promise<Json> => (await server.call("GET", path)).json();

/** A machine that has joined as `node`, whose Node and pods are there. */
async function joinedAs(node: string): Promise<{ readonly files: MemberFiles; readonly call: TestGateway["call"] }> {
  const files = machine();
  await join(files, target(node));
  const call = server.client(files.node);
  expect((await call("POST", "/api/v1/nodes", { metadata: { name: node, labels: { "troupe.dev/machine": "process" } } })).status).toBe(201);
  return { files, call };
}

describe("a machine with a token", () => {
  test("is a node by a certificate of its own", async () => {
    expect(line).toBe(`troupe join ${new URL(server.url).host} --token ${tokenText(token)} --discovery-token-ca-cert-hash ${hash}`);
    const { files } = await joinedAs("one");
    const [request] = (await get(REQUESTS)).items;
    expect(request.spec).toMatchObject({ username: `system:bootstrap:${token.id}`, usages: ["digital signature", "client auth"] });
    expect(request.spec.expirationSeconds).toBe(30 * 24 * 3_600);
    expect(request.status.conditions).toMatchObject([{ type: "Approved", reason: "AutoApproved" }]);
    expect(files.membership).toEqual({ server: server.url, node: "one" });
  });

  test("that was cut short goes on where it was", async () => {
    const files = machine();
    files.writeMembership = () => {
      throw new Error("cut");
    };
    await expect(join(files, target("cut"))).rejects.toThrow("cut");
    const { cert } = files.nodePair;
    Reflect.deleteProperty(files, "writeMembership");
    await join(files, target("cut"));
    expect(files.nodePair.cert).toBe(cert);
    expect(files.membership).toEqual({ server: server.url, node: "cut" });
  });

  test("gets another certificate in the name of the one it has", async () => {
    const files = machine();
    await join(files, target("renewed"));
    const before = files.nodePair.cert;
    const pair = await renewNode(files, files.membership);
    expect(files.nodePair).toEqual(expect.objectContaining({ ...pair }));
    expect(pair.cert).not.toBe(before);
    expect(lifeOf([pair]).from_ms).toBeGreaterThanOrEqual(lifeOf([{ cert: before }]).from_ms);
    expect(readFileSync(pathJoin(directory, `machine-${machines - 1}`, "kubeconfig"), "utf8")).toContain(
      Buffer.from(pair.cert).toString("base64"),
    );
  });
});

describe("a certificate for the door of a node is signed at once", () => {
  test("for the name that the API server knows it by", async () => {
    const { files } = await joinedAs("door");
    const { cert } = await requestServing(files, files.membership);
    expect(files.serving?.cert).toBe(cert);
    expect(new X509Certificate(cert).subjectAltName).toBe("DNS:door.node.troupe.internal");
  });

  test.each<[string, readonly string[], string]>([
    ["an address, that it says is its own", ["127.0.0.1"], "asks"],
    ["its name and an address", ["asks.node.troupe.internal", "127.0.0.1"], "asks"],
    ["what it is called", ["asks"], "asks"],
    ["the name of another node", ["one.node.troupe.internal"], "asks"],
    ["another node", ["one.node.troupe.internal"], "one"],
  ])("not for %s", async (_what, names, of) => {
    const pair = await server.authority.client("system:node:asks", ["system:nodes"]);
    const wish = {
      commonName: `system:node:${of}`,
      organizations: ["system:nodes"],
      names,
      signer: "kubernetes.io/kubelet-serving",
    } as const;
    await expect(asking(pair, (session) => requestCertificate(session, { ...wish, patience_ms: 300 }))).rejects.toThrow(/nobody approved/);
  });
});

function asking<T>({ cert, key }: KeyPair, ask: Parameters<typeof withSession<T>>[1]): Promise<T> {
  const access = { origin: server.url, authority: server.authority.cert, insecure: false, token: undefined };
  return withSession({ ...access, clientCertificate: cert, clientKey: key }, ask);
}

describe("what the certificate of a machine opens", () => {
  const MINE = "mine";
  const THEIRS = "theirs";
  const container = { name: "c", image: "i" };
  const secretOf = (name: string) => ({ name: "v", secret: { secretName: `of-${name}` } });
  let call: TestGateway["call"];
  let uids: Record<string, string>;

  beforeAll(async () => {
    ({ call } = await joinedAs("here"));
    await joinedAs("there");
    uids = {};
    for (const [name, nodeName] of [
      [MINE, "here"],
      [THEIRS, "there"],
    ] as const) {
      await server.call("POST", "/api/v1/namespaces/default/secrets", { metadata: { name: `of-${name}` }, stringData: { k: "v" } });
      const spec = { nodeName, containers: [container], volumes: [secretOf(name)] };
      const made = await server.call("POST", "/api/v1/namespaces/default/pods", { metadata: { name }, spec });
      uids[name] = made.json().metadata.uid;
    }
  });

  const PODS = "/api/v1/namespaces/default/pods";
  const SECRETS = "/api/v1/namespaces/default/secrets";
  const LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases";
  const TOKENS = "/api/v1/namespaces/default/serviceaccounts/default/token";
  const boundTo = (name: string) => ({ spec: { boundObjectRef: { apiVersion: "v1", kind: "Pod", name, uid: uids[name] } } });
  const changed = async (path: string, change: (object: Json) => void): Promise<Json> => {
    const object = await get(path);
    change(object);
    return object;
  };
  const ready = (object: Json): void => {
    object.status = { ...object.status, phase: "Running" };
  };

  test.each<[string, number, string, string, (() => unknown)?]>([
    ["its Node", 200, "GET", "/api/v1/nodes/here"],
    ["another Node", 403, "GET", "/api/v1/nodes/there"],
    ["all Nodes, to find the machines behind which pods are", 200, "GET", "/api/v1/nodes"],
    ["the status of another Node", 403, "PUT", "/api/v1/nodes/there/status", () => changed("/api/v1/nodes/there", ready)],
    ["its pods", 200, "GET", "/api/v1/pods?fieldSelector=spec.nodeName%3Dhere"],
    ["pods of another", 403, "GET", "/api/v1/pods?fieldSelector=spec.nodeName%3Dthere"],
    ["all pods", 403, "GET", "/api/v1/pods"],
    ["the status of its pod", 200, "PUT", `${PODS}/mine/status`, () => changed(`${PODS}/mine`, ready)],
    ["the status of another's pod", 403, "PUT", `${PODS}/theirs/status`, () => changed(`${PODS}/theirs`, ready)],
    ["the end of another's pod", 403, "DELETE", `${PODS}/theirs`],
    ["a pod", 403, "POST", PODS, () => ({ metadata: { name: "new" }, spec: { nodeName: "here", containers: [container] } })],
    ["a shell in its pod, by the API", 403, "POST", `${PODS}/mine/exec?command=sh&stdout=true`],
    ["another's door", 403, "GET", "/api/v1/nodes/there/proxy/stats/summary"],
    ["a secret of its pod", 200, "GET", `${SECRETS}/of-mine`],
    ["the same, followed", 200, "GET", `${SECRETS}?fieldSelector=metadata.name%3Dof-mine`],
    ["a secret of another's pod", 403, "GET", `${SECRETS}/of-theirs`],
    ["all secrets", 403, "GET", SECRETS],
    ["bootstrap tokens", 403, "GET", `/api/v1/namespaces/kube-system/secrets/bootstrap-token-${token.id}`],
    ["a token for its pod", 201, "POST", TOKENS, () => boundTo(MINE)],
    ["a token for another's pod", 403, "POST", TOKENS, () => boundTo(THEIRS)],
    ["a token for nobody's", 403, "POST", TOKENS, () => ({ spec: {} })],
    [
      "its lease",
      201,
      "POST",
      LEASES,
      () => ({ metadata: { name: "here", namespace: "kube-node-lease" }, spec: { holderIdentity: "here" } }),
    ],
    ["another's lease", 403, "POST", LEASES, () => ({ metadata: { name: "there", namespace: "kube-node-lease" }, spec: {} })],
    ["what machines have to know", 200, "GET", "/api/v1/namespaces/kube-system/configmaps/troupe-machine-config"],
    ["other configuration", 403, "GET", "/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication"],
    ["services", 200, "GET", "/api/v1/services"],
    ["what is behind services", 200, "GET", "/apis/discovery.k8s.io/v1/endpointslices"],
    ["names of namespaces", 200, "GET", "/api/v1/namespaces"],
    ["a namespace", 403, "POST", "/api/v1/namespaces", () => ({ metadata: { name: "n" } })],
    ["workloads", 403, "GET", "/apis/apps/v1/deployments"],
    ["roles", 403, "GET", "/apis/rbac.authorization.k8s.io/v1/clusterroles"],
    ["NATS, as a client", 403, "POST", "/troupe/nats-credentials", () => ({ publicKey: createUser().getPublicKey() })],
    ["NATS, as a host", 403, "POST", "/troupe/member-credentials", () => ({ node: "here", publicKey: createUser().getPublicKey() })],
  ])("%s: %i", async (_what, status, method, path, body) => {
    await server.call("POST", "/api/v1/namespaces", { metadata: { name: "kube-node-lease" } });
    const answer = await call(method, path, await body?.());
    expect([answer.status, answer.text]).toEqual([status, expect.any(String)]);
  });

  test.each<[string, (node: Json) => void, RegExp]>([
    ["taints", (node) => (node.spec.taints = [{ key: "k", effect: "NoSchedule" }]), /is not allowed to modify taints/],
    ["labels of others", (node) => (node.metadata.labels["node-restriction.kubernetes.io/x"] = "y"), /not allowed to modify labels/],
    ["that the cluster plays it itself", (node) => (node.metadata.labels["troupe.dev/runtime"] = "process"), /labels: troupe.dev\/runtime/],
  ])("it says no %s of its Node", async (_what, change, words) => {
    const answer = await call("PUT", "/api/v1/nodes/here", await changed("/api/v1/nodes/here", change));
    expect([answer.status, answer.json().message]).toEqual([403, expect.stringMatching(words)]);
  });

  test("nor makes a Node that the cluster plays itself", async () => {
    const pair = await server.authority.client("system:node:made", ["system:nodes"]);
    const node = { metadata: { name: "made", labels: { "troupe.dev/runtime": "process" } } };
    const answer = await server.client(pair)("POST", "/api/v1/nodes", node);
    expect([answer.status, answer.json().message]).toEqual([403, expect.stringContaining("troupe.dev/runtime")]);
  });
});

describe("stays out", () => {
  const other = (id: string): Partial<JoinTarget> => ({ token: parseToken(`${id}.0123456789abcdef`) });

  test.each<[string, () => Partial<JoinTarget>, RegExp]>([
    ["who has another secret to a token's name", () => other(token.id), /signed with another token of that name/],
    [
      "who expects another authority",
      () => ({ authorityHashes: [`sha256:${"0".repeat(64)}`] }),
      /none of those that --discovery-token-ca-cert-hash names/,
    ],
  ])("%s", async (_who, more, words) => {
    await expect(join(machine(), target("out", more()))).rejects.toThrow(words);
    expect((await server.call("GET", "/api/v1/nodes/out")).status).toBe(404);
  });

  test("whose token is unknown, has ended, or was taken back", async () => {
    const command = { do: "create", ttl_ms: 1_000, description: undefined, groups: ["system:bootstrappers:x"], printJoin: false } as const;
    const short = newToken();
    await runToken(kubeconfig, { ...command, token: short });
    await discover(target("out", { token: short }));
    await vi.waitUntil(
      async () => (await server.call("GET", `/api/v1/namespaces/kube-system/secrets/bootstrap-token-${short.id}`)).status === 404,
      {
        timeout: 20_000,
      },
    );
    const long = newToken();
    await runToken(kubeconfig, { ...command, ttl_ms: 0, token: long });
    await discover(target("out", { token: long }));
    await runToken(kubeconfig, { do: "delete", ids: [long.id] });
    const gone = async (): Promise<boolean> =>
      (await get("/api/v1/namespaces/kube-public/configmaps/cluster-info")).data[`jws-kubeconfig-${long.id}`] === undefined;
    await vi.waitUntil(gone, { timeout: 20_000 });
    for (const replayed of [short, long, newToken()]) {
      await expect(discover(target("out", { token: replayed }), 0)).rejects.toThrow(`knows no token ${replayed.id}`);
      const answer = await server.client(undefined)("POST", REQUESTS, {}, { authorization: `Bearer ${tokenText(replayed)}` });
      expect(answer.status).toBe(401);
    }
  });

  test("a machine by the name of a node that is there", async () => {
    await expect(join(machine(), target("one"))).rejects.toThrow(/has a node one already/);
  });

  test("a cluster of its own", async () => {
    const files = machine();
    files.writeAuthority("x");
    writeKubeconfig(pathJoin(directory, `machine-${machines - 1}`, "pki/ca.pem"), { server: "", authority: "", user: server.admin });
    await expect(join(files, target("out"))).rejects.toThrow(/a cluster of its own lives/);
  });
});
