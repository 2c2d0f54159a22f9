import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join as pathJoin } from "node:path";
import { createUser } from "nkeys.js";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { discover, publicKeyOf } from "../../../cluster/joining/discovery.ts";
import type { JoinTarget } from "../../../cluster/joining/flags.ts";
import { openForJoining } from "../../../cluster/joining/init.ts";
import { admit, join, renewNode, requestServing } from "../../../cluster/joining/join.ts";
import { MemberFiles } from "../../../cluster/joining/member-files.ts";
import { authorityHash, newToken, parseToken, tokenText } from "../../../cluster/joining/token.ts";
import { runToken } from "../../../cluster/joining/token-command.ts";
import { NatsAccounts, seedOf } from "../../../cluster/nats/accounts.ts";
import { lifeOf } from "../../../cluster/pki/certificates.ts";
import { writeKubeconfig } from "../../../cluster/pki/kubeconfig.ts";
import type { Json, TestGateway } from "../gateway/harness.ts";
import { startGateway } from "../gateway/harness.ts";

const directory = mkdtempSync(pathJoin(tmpdir(), "troupe-joining-"));
const kubeconfig = pathJoin(directory, "admin.kubeconfig");
const accounts = NatsAccounts.open(pathJoin(directory, "nats.keys"));
const token = newToken();
const HOW = { runtime: "hollow", ownNats: true };
let server: TestGateway;
let hash: string;
let line: string;

beforeAll(async () => {
  server = await startGateway({
    controllers: ["bootstrap-signer", "bootstrap-token-cleaner", "certificate-approval", "certificate-signing"],
    wrap: (options) => ({ ...options, nats: { accounts, servers: ["tls://127.0.0.1:1"], ca: "CA" } }),
  });
  writeKubeconfig(kubeconfig, { server: server.url, authority: server.authority.cert, user: server.admin });
  line = await openForJoining(kubeconfig, token, 3_600_000);
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
/** The claims of the token in credentials for NATS. */
const claimsOf = (credentials = ""): Json =>
  JSON.parse(Buffer.from(credentials.split("\n")[1]?.split(".")[1] ?? "", "base64url").toString());

describe("a machine with a token", () => {
  test("becomes a node of the cluster and a member of it, with a certificate of its own and credentials for NATS", async () => {
    expect(line).toBe(`troupe join ${new URL(server.url).host} --token ${tokenText(token)} --discovery-token-ca-cert-hash ${hash}`);
    const files = machine();
    await join(files, target("one"), HOW);
    const node = await get("/api/v1/nodes/one");
    expect(node.metadata.labels).toMatchObject({
      "troupe.dev/machine": "one",
      "troupe.dev/runtime": "hollow",
      "kubernetes.io/hostname": "one",
    });
    const [request] = (await get("/apis/certificates.k8s.io/v1/certificatesigningrequests")).items;
    expect(request.spec).toMatchObject({ username: `system:bootstrap:${token.id}`, usages: ["digital signature", "client auth"] });
    expect(request.status.conditions).toMatchObject([{ type: "Approved", reason: "AutoApproved" }]);
    const binding = await get("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/troupe:member:one");
    expect(binding.metadata.ownerReferences).toMatchObject([{ kind: "Node", name: "one", uid: node.metadata.uid }]);

    const { nats, life } = await admit(files, files.membership);
    expect(nats).toMatchObject({ servers: ["tls://127.0.0.1:1"], ca: "CA" });
    expect(life.to_ms - life.from_ms).toBe(24 * 3_600_000);
    const claims = claimsOf(nats.credentials);
    expect(claims.exp * 1_000).toBe(life.to_ms);
    expect(claims.name).toBe("system:node:one");
    expect(claims.nats.pub.allow).not.toContain("troupe-log.batch");
    expect(claims.nats.sub.allow).toContain("troupe.host.one_nodes-1");
    expect(claims.nats.sub.allow).not.toContain("troupe.host.*");
  });

  test("that was cut short goes on where it was", async () => {
    const files = machine();
    files.writeMembership = () => {
      throw new Error("cut");
    };
    await expect(join(files, target("cut"), HOW)).rejects.toThrow("cut");
    Reflect.deleteProperty(files, "writeMembership");
    await join(files, target("cut"), HOW);
    expect(files.membership).toEqual({ server: server.url, node: "cut" });
  });

  test("gets another certificate in the name of the one it has, and one to serve with when a person approves", async () => {
    const files = machine();
    await join(files, target("renewed"), HOW);
    const before = files.node?.cert;
    const life = await renewNode(files, files.membership);
    expect(files.node?.cert).not.toBe(before);
    expect(life).toEqual(lifeOf(files.node === undefined ? [] : [files.node]));
    expect(readFileSync(pathJoin(directory, `machine-${machines - 1}`, "kubeconfig"), "utf8")).toContain(
      Buffer.from(files.node?.cert ?? "").toString("base64"),
    );
    await admit(files, files.membership);

    const serving = requestServing(files, files.membership);
    const requests = "/apis/certificates.k8s.io/v1/certificatesigningrequests";
    const asked = await vi.waitUntil(async () =>
      (await get(requests)).items.find(({ spec }: Json) => spec.signerName === "kubernetes.io/kubelet-serving"),
    );
    expect(asked.status?.conditions).toBeUndefined();
    asked.status = { conditions: [{ type: "Approved", status: "True", reason: "Test", message: "" }] };
    await server.call("PUT", `${requests}/${asked.metadata.name}/approval`, asked);
    await serving;
    expect(files.serving?.cert).toContain("BEGIN CERTIFICATE");
  });
});

test("where others run NATS, whoever joins says where", async () => {
  const plain = await startGateway({ controllers: ["bootstrap-signer", "certificate-approval", "certificate-signing"] });
  try {
    const admin = pathJoin(directory, "plain.kubeconfig");
    writeKubeconfig(admin, { server: plain.url, authority: plain.authority.cert, user: plain.admin });
    await openForJoining(admin, token, 3_600_000);
    const there = target("there", { server: plain.url, authorityHashes: [authorityHash(publicKeyOf(plain.authority.cert))] });
    const files = machine();
    await expect(join(files, there, HOW)).rejects.toThrow(/others run the NATS servers of the cluster at .*: say --nats URL/);
    await join(files, there, { ...HOW, ownNats: false });
    expect(files.membership).toEqual({ server: plain.url, node: "there" });
  } finally {
    await plain.stop();
  }
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
    await expect(join(machine(), target("out", more()), HOW)).rejects.toThrow(words);
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
      const call = server.client(undefined);
      const asked = { node: "out", publicKey: createUser().getPublicKey() };
      const answer = await call("POST", "/troupe/member-credentials", asked, { authorization: `Bearer ${tokenText(replayed)}` });
      expect(answer.status).toBe(401);
    }
  });

  test("a machine by the name of a node that is there", async () => {
    await expect(join(machine(), target("one"), HOW)).rejects.toThrow(/has a node one already/);
  });

  test("who has a token for nodes alone", async () => {
    const kubelets = newToken();
    const groups = ["system:bootstrappers:kubeadm:default-node-token"];
    await runToken(kubeconfig, { do: "create", token: kubelets, ttl_ms: 60_000, description: undefined, groups, printJoin: false });
    await expect(join(machine(), target("kubelet", { token: kubelets }), HOW)).rejects.toThrow(
      /cannot post path "\/troupe\/member-credentials"/,
    );
  });

  test("a cluster of its own", async () => {
    const files = machine();
    files.writeAuthority("x");
    writeKubeconfig(pathJoin(directory, `machine-${machines - 1}`, "pki/ca.pem"), { server: "", authority: "", user: server.admin });
    await expect(join(files, target("out"), HOW)).rejects.toThrow(/a cluster of its own lives/);
  });
});

describe("credentials of members are for", () => {
  const ask = (pair: Parameters<TestGateway["client"]>[0], node: string, headers: Record<string, string> = {}) =>
    server.client(pair)("POST", "/troupe/member-credentials", { node, publicKey: createUser().getPublicKey() }, headers);

  test("the node itself, no other node", async () => {
    const files = machine();
    await join(files, target("self"), HOW);
    expect((await ask(files.node, "self")).status).toBe(201);
    const answer = await ask(files.node, "one");
    expect([answer.status, answer.json().message]).toEqual([403, "forbidden: node self asks for the credentials of node one"]);
  });

  test("a token once for each node", async () => {
    const bearer = { authorization: `Bearer ${tokenText(token)}` };
    const again = await ask(undefined, "one", bearer);
    expect([again.status, again.json().message]).toEqual([403, expect.stringContaining("the node one is a member already")]);
    const none = await ask(undefined, "nobody", bearer);
    expect([none.status, none.json().message]).toEqual([403, expect.stringContaining("there is no node nobody")]);
  });

  test("no kubelet, no service account, nobody else", async () => {
    await server.call("POST", "/api/v1/nodes", { metadata: { name: "kubelet" } });
    expect((await ask(await server.authority.client("system:node:kubelet", ["system:nodes"]), "kubelet")).status).toBe(403);
    expect((await ask(await server.authority.client("jane", []), "one")).status).toBe(403);
    expect((await ask(undefined, "one")).status).toBe(403);
  });

  test("those who ask properly", async () => {
    const call = (body: unknown, headers?: Record<string, string>) => server.call("POST", "/troupe/member-credentials", body, headers);
    const publicKey = createUser().getPublicKey();
    expect((await call({ node: "one", publicKey }, { "content-type": "text/plain" })).status).toBe(415);
    expect((await call("{")).status).toBe(400);
    expect((await call({ node: "../x", publicKey })).status).toBe(400);
    expect((await call({ node: "one", publicKey: "UA" })).status).toBe(400);
    expect((await call({ node: "one", publicKey: seedOf(createUser()) })).status).toBe(400);
    expect((await server.call("GET", "/troupe/member-credentials")).status).toBe(405);
  });
});
