import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { createUser } from "nkeys.js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { NatsAccounts } from "../../../cluster/nats/accounts.ts";
import { runNatsCredentials } from "../../../cluster/nats/credentials-command.ts";
import { parseNatsCredentialsFlags } from "../../../cluster/nats/credentials-flags.ts";
import { permissionsOf, requestOf, requestSubject, watchPattern, watchSubject } from "../../../cluster/nats/subjects.ts";
import { writeKubeconfig } from "../../../cluster/pki/kubeconfig.ts";
import type { Answered, Call, Json, TestGateway } from "../gateway/harness.ts";
import { startGateway } from "../gateway/harness.ts";

const PATH = "/troupe/nats-credentials";
const RBAC = "/apis/rbac.authorization.k8s.io/v1";
const directory = mkdtempSync(join(tmpdir(), "troupe-nats-credentials-"));
const publicKey = createUser().getPublicKey();
let server: TestGateway;
let jane: Call;

beforeAll(async () => {
  const accounts = NatsAccounts.open(join(directory, "nats.keys"));
  server = await startGateway({ wrap: (options) => ({ ...options, nats: { accounts, servers: ["nats://127.0.0.1:1"], ca: undefined } }) });
  jane = server.client(await server.authority.client("jane", ["team"]));
  const role = async (path: string, name: string, rules: readonly object[]): Promise<void> => {
    await server.call("POST", path, { metadata: { name }, rules });
  };
  const bind = async (path: string, name: string, kind: string, subject: object): Promise<void> => {
    const roleRef = { apiGroup: "rbac.authorization.k8s.io", kind, name };
    const answer = await server.call("POST", path, {
      metadata: { name },
      roleRef,
      subjects: [{ apiGroup: "rbac.authorization.k8s.io", ...subject }],
    });
    expect(answer.status).toBe(201);
  };
  await role(`${RBAC}/clusterroles`, "nats", [{ verbs: ["post"], nonResourceURLs: [PATH] }]);
  await bind(`${RBAC}/clusterrolebindings`, "nats", "ClusterRole", { kind: "Group", name: "system:authenticated" });
  await role(`${RBAC}/namespaces/default/roles`, "reader", [
    { verbs: ["get", "watch"], apiGroups: ["", "apps"], resources: ["pods", "pods/log"] },
  ]);
  await bind(`${RBAC}/namespaces/default/rolebindings`, "reader", "Role", { kind: "Group", name: "team" });
  await role(`${RBAC}/namespaces/default/roles`, "named", [
    { verbs: ["get", "watch"], apiGroups: ["rbac.authorization.k8s.io"], resources: ["roles"], resourceNames: ["a.b", "*", "x y>"] },
  ]);
  await bind(`${RBAC}/namespaces/default/rolebindings`, "named", "Role", { kind: "User", name: "jane" });
});
afterAll(async () => {
  await server.stop();
  rmSync(directory, { recursive: true, force: true });
});

const ask = (call: Call, more: object = {}, headers?: Record<string, string>): Promise<Answered> =>
  call("POST", PATH, { publicKey, ...more }, headers);
const claimsOf = (jwt: string): Json => JSON.parse(Buffer.from(jwt.split(".")[1] ?? "", "base64url").toString());

describe("credentials for NATS", () => {
  test("allow what roles allow", async () => {
    const answer = (await ask(jane)).json();
    const claims = claimsOf(answer.jwt);
    expect(claims).toMatchObject({ name: "jane", sub: publicKey });
    expect(claims.nats.tags.filter((tag: string) => tag.startsWith("group:"))).toEqual(["group:team", "group:system:authenticated"]);
    const granted = answer.publish.filter((subject: string) => subject.includes(".default."));
    expect(granted.sort()).toEqual(
      [
        "troupe.api.get.apps.pods.default.>",
        "troupe.api.get.apps.pods/log.default.>",
        "troupe.api.get.core.pods.default.>",
        "troupe.api.get.core.pods/log.default.>",
        "troupe.api.get.core.pods/why.default.>",
        "troupe.api.get.rbac_authorization_k8s_io.roles.default.%2A",
        "troupe.api.get.rbac_authorization_k8s_io.roles.default.a.b",
        "troupe.api.get.rbac_authorization_k8s_io.roles.default.x%20y%3E",
        "troupe.api.watch.apps.pods.default.>",
        "troupe.api.watch.apps.pods/log.default.>",
        "troupe.api.watch.core.pods.default.>",
        "troupe.api.watch.core.pods/log.default.>",
        "troupe.api.watch.rbac_authorization_k8s_io.roles.default.%2A",
        "troupe.api.watch.rbac_authorization_k8s_io.roles.default.a.b",
        "troupe.api.watch.rbac_authorization_k8s_io.roles.default.x%20y%3E",
      ].sort(),
    );
    expect(answer.subscribe).toContain(`_INBOX_${publicKey}.>`);
    expect(answer.subscribe).toContain("troupe.watch.core.pods.default.>");
    // What everybody may do: ask what they may do.
    expect(answer.publish).toContain("troupe.api.create.authorization_k8s_io.selfsubjectaccessreviews.*.>");
    for (const subject of [...answer.publish, ...answer.subscribe]) expect(subject).toMatch(/^(troupe\.(api|watch)\.|_INBOX_U|\$SRV\.>)/);
    expect(claims.nats.pub.allow).toEqual(answer.publish);
    expect(claims.nats.sub.allow).toEqual(answer.subscribe);
  });

  test("of an administrator allow all that clients have", async () => {
    const answer = (await ask(server.call)).json();
    expect([answer.publish, answer.subscribe]).toEqual([
      ["troupe.api.>", "$SRV.>"],
      [`_INBOX_${publicKey}.>`, "troupe.watch.>"],
    ]);
  });

  test("of somebody that the asker may act as are theirs", async () => {
    const answer = (await ask(server.call, {}, { "impersonate-user": "jane" })).json();
    expect([answer.user, answer.publish.includes("troupe.api.get.core.pods.default.>")]).toEqual(["jane", false]);
  });

  test("end when they are asked to, within a day", async () => {
    const left = async (more: object): Promise<number> =>
      Math.round((Date.parse((await ask(jane, more)).json().expirationTimestamp) - Date.now()) / 60_000);
    expect(await left({})).toBe(60);
    expect(await left({ expirationSeconds: 600 })).toBe(10);
    expect((await ask(jane, { expirationSeconds: 86_401 })).status).toBe(400);
    expect((await ask(jane, { expirationSeconds: 59 })).status).toBe(400);
  });

  test("are for those who say who they are, and who they are alone", async () => {
    expect((await ask(server.client(undefined))).status).toBe(403);
    expect((await ask(jane, { publicKey: "x" })).status).toBe(400);
    // Another user's seed, an account's key: no public key of a user.
    expect((await ask(jane, { publicKey: Buffer.from(createUser().getSeed()).toString() })).status).toBe(400);
    expect((await ask(jane, {}, { "content-type": "text/plain" })).status).toBe(415);
  });

  test("come as a file by a command", async () => {
    const kubeconfig = join(directory, "kubeconfig");
    writeKubeconfig(kubeconfig, { server: server.url, authority: server.authority.cert, user: server.admin });
    const file = join(directory, "admin.creds");
    const flags = parseNatsCredentialsFlags(["--kubeconfig", kubeconfig, "-o", file, "--ttl", "10m"]);
    expect(await runNatsCredentials(flags)).toMatch(/admin\.creds: admin at nats:\/\/127\.0\.0\.1:1 until .*--inbox-prefix _INBOX_U/);
    expect(readFileSync(file, "utf8")).toMatch(/-----BEGIN NATS USER JWT-----\neyJ[\s\S]*-----BEGIN USER NKEY SEED-----\nSU/);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });
});

describe("subjects", () => {
  const key = "UKEY";

  test("that a rule gives are those that are used for what it allows, and no others", () => {
    const rule = { verbs: ["*"], apiGroups: ["*"], resources: ["*"] };
    expect(permissionsOf([{ namespace: "a", rule }], false, key)).toEqual({
      publish: ["$SRV.>", "troupe.api.*.*.*.a.>"],
      subscribe: ["_INBOX_UKEY.>", "troupe.watch.*.*.a.>"],
    });
    expect(
      permissionsOf(
        [{ namespace: "", rule: { verbs: ["get"], apiGroups: [""], resources: ["nodes"], resourceNames: ["n.1"] } }],
        false,
        key,
      ).publish,
    ).toEqual(["$SRV.>", "troupe.api.get.core.nodes.*.n.1"]);
    expect(requestSubject("get", { group: "", resource: "nodes", namespace: "", name: "n.1" })).toBe("troupe.api.get.core.nodes._.n.1");
    expect(requestSubject("list", { group: "apps", resource: "deployments", namespace: "a", name: "" })).toBe(
      "troupe.api.list.apps.deployments.a._",
    );
    expect(watchSubject({ group: "rbac.authorization.k8s.io", resource: "roles", namespace: "a", name: "*" })).toBe(
      "troupe.watch.rbac_authorization_k8s_io.roles.a.%2A",
    );
  });

  test("of pages, and of rules that allow nothing, are none", () => {
    const page = { verbs: ["get"], nonResourceURLs: ["*"] };
    const empty = { verbs: [], apiGroups: ["*"], resources: ["*"] };
    expect(
      permissionsOf(
        [
          { namespace: "", rule: page },
          { namespace: "", rule: empty },
        ],
        false,
        key,
      ),
    ).toEqual({
      publish: ["$SRV.>"],
      subscribe: ["_INBOX_UKEY.>"],
    });
  });

  test("are read as they were written", () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 1 }),
        fc.constantFrom("", "apps", "rbac.authorization.k8s.io"),
        fc.constantFrom("", "default"),
        (name, group, namespace) => {
          fc.pre(name !== "_" && name.isWellFormed());
          const parts = { group, resource: "pods/log", namespace, name };
          expect(requestOf(requestSubject("get", parts))).toEqual({ verb: "get", ...parts });
        },
      ),
    );
    expect(requestOf("troupe.api.get.core.pods.default")).toBeUndefined();
    expect(requestOf("troupe.api.get.core.pods.default.%")).toBeUndefined();
  });

  test.each([
    ["troupe.watch.>", [">"]],
    ["troupe.>", [">"]],
    [">", [">"]],
    ["*.watch.core.pods.>", ["core", "pods", ">"]],
    ["troupe.watch.core.pods.*.web", ["core", "pods", "*", "web"]],
    ["troupe.watch", undefined],
    ["troupe.api.>", undefined],
    ["_INBOX_X.>", undefined],
  ])("a subscription to %s hears %j", (subject, pattern) => {
    expect(watchPattern(subject)).toEqual(pattern);
  });

  test.each(["a b", "a>b", "*", ">", ".", "a..b", ".a", "a.", "a\u0000b", "ü"])("of the name %j are of that name alone", (name) => {
    const subject = watchSubject({ group: "", resource: "configmaps", namespace: "a", name });
    expect(subject.split(".").slice(0, 5).join(".")).toBe("troupe.watch.core.configmaps.a");
    expect(subject.split(".").every((token) => token !== "" && token !== "*" && token !== ">" && !/\s/.test(token))).toBe(true);
  });
});
