import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { connect } from "node:tls";
import { createLocalJWKSet, jwtVerify, SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makeAuthority } from "../gateway/certificates.ts";
import type { Call, Json, TestGateway } from "../gateway/harness.ts";
import { newSigningKey, startGateway } from "../gateway/harness.ts";

const SECRETS = "/api/v1/namespaces/default/secrets";
const CLAIMS = "/apis/resource.k8s.io/v1/namespaces/default/resourceclaims";
const SLICES = "/apis/resource.k8s.io/v1/resourceslices";
const WHOAMI = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
const HOUR_MS = 3_600_000;

const signingKey = newSigningKey();
let server: TestGateway;
/** Nobody's: without a certificate. */
let stranger: Call;
let account: { readonly name: string; readonly uid: string };

beforeAll(async () => {
  server = await startGateway({ access: { signingKey } });
  stranger = server.client(undefined);
  account = (await server.call("GET", "/api/v1/namespaces/default/serviceaccounts/default")).json().metadata;
});
afterAll(() => server.stop());

const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });
const statusWith = async (token: string): Promise<number> => (await stranger("POST", WHOAMI, {}, bearer(token))).status;

interface Forged {
  readonly key?: KeyObject | Uint8Array;
  readonly alg?: string;
  readonly kid?: string;
  readonly claims?: object;
}

/** A token like the cluster's own, but for what is said. */
async function forged({ key = createPrivateKey(signingKey), alg = "ES256", kid, claims = {} }: Forged = {}): Promise<string> {
  const now_s = Math.floor(Date.now() / 1_000);
  const own = {
    aud: ["https://k"],
    exp: now_s + 600,
    iat: now_s,
    nbf: now_s,
    iss: "https://k",
    sub: "system:serviceaccount:default:default",
    "kubernetes.io": { namespace: "default", serviceaccount: { name: account.name, uid: account.uid } },
  };
  const header = kid === undefined ? { alg } : { alg, kid };
  return new SignJWT({ ...own, ...claims }).setProtectedHeader(header).sign(key);
}

describe("a token", () => {
  test("of the cluster's own lets its account in, as far as roles go", async () => {
    const asked = { spec: { expirationSeconds: 600 } };
    const { status } = (await server.call("POST", "/api/v1/namespaces/default/serviceaccounts/default/token", asked)).json();
    const who = (await stranger("POST", WHOAMI, {}, bearer(status.token))).json().status.userInfo;
    expect(who).toMatchObject({
      username: "system:serviceaccount:default:default",
      uid: account.uid,
      groups: ["system:serviceaccounts", "system:serviceaccounts:default", "system:authenticated"],
      extra: { "authentication.kubernetes.io/credential-id": [expect.stringMatching(/^JTI=/)] },
    });
    expect((await stranger("GET", SECRETS, undefined, bearer(status.token))).status).toBe(403);
    expect(await statusWith(await forged())).toBe(201);
  });

  test("is known by what its issuer publishes, and by a review", async () => {
    const asked = { spec: { audiences: ["others"], expirationSeconds: 600 } };
    const { status } = (await server.call("POST", "/api/v1/namespaces/default/serviceaccounts/default/token", asked)).json();
    const { issuer, jwks_uri } = (await server.call("GET", "/.well-known/openid-configuration")).json();
    const keys = (await server.call("GET", new URL(jwks_uri).pathname)).json();
    const { payload } = await jwtVerify(status.token, createLocalJWKSet(keys), { issuer, audience: "others" });
    expect(payload.sub).toBe("system:serviceaccount:default:default");
    const review = { spec: { token: status.token, audiences: ["others"] } };
    const { status: reviewed } = (await server.call("POST", "/apis/authentication.k8s.io/v1/tokenreviews", review)).json();
    expect(reviewed).toMatchObject({ authenticated: true, audiences: ["others"], user: { username: payload.sub } });
  });

  const past_s = Math.floor(Date.now() / 1_000) - 10;
  test.each<[string, () => Promise<string> | string]>([
    ["that is none", () => "nope"],
    ["that has ended", () => forged({ claims: { exp: past_s } })],
    ["that begins tomorrow", () => forged({ claims: { nbf: past_s + 86_400, exp: past_s + 90_000 } })],
    ["without an end", () => forged({ claims: { exp: undefined } })],
    ["for others", () => forged({ claims: { aud: ["https://others"] } })],
    ["for nobody", () => forged({ claims: { aud: undefined } })],
    ["of another issuer", () => forged({ claims: { iss: "https://elsewhere" } })],
    [
      "of an account that is another by now",
      () => forged({ claims: { "kubernetes.io": { namespace: "default", serviceaccount: { name: "default", uid: "x" } } } }),
    ],
    ["that says two things of whom it is", () => forged({ claims: { sub: "system:serviceaccount:kube-system:default" } })],
    ["of another key", () => forged({ key: generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey })],
    ["of another cluster, with its key's name", () => forged({ key: createPrivateKey(newSigningKey()), kid: "other" })],
    [
      "signed by the public key as a secret",
      () => forged({ alg: "HS256", key: createPublicKey(signingKey).export({ type: "spki", format: "der" }) }),
    ],
    [
      "that is not signed",
      async () => {
        const [, payload] = (await forged()).split(".");
        return `${Buffer.from('{"alg":"none"}').toString("base64url")}.${payload}.`;
      },
    ],
    [
      "whose content was changed",
      async () => {
        const [header, payload = "", signature] = (await forged()).split(".");
        const claims = JSON.parse(Buffer.from(payload, "base64url").toString()) as object;
        return `${header}.${Buffer.from(JSON.stringify({ ...claims, jti: "1" })).toString("base64url")}.${signature}`;
      },
    ],
    ["of a secret that is not there", () => forged({ claims: { iss: "kubernetes/serviceaccount" } })],
    ["that is far too long", () => "a.".repeat(4_000)],
  ])("%s is refused", async (_what, token) => {
    expect(await statusWith(await token())).toBe(401);
  });

  test("dies with the pod that it is bound to, and with its account", async () => {
    await server.call("POST", "/api/v1/namespaces/default/serviceaccounts", { metadata: { name: "mortal" } });
    const spec = { serviceAccountName: "mortal", containers: [{ name: "c", image: "i" }] };
    const pod = (await server.call("POST", "/api/v1/namespaces/default/pods", { metadata: { name: "p" }, spec })).json();
    const boundObjectRef = { apiVersion: "v1", kind: "Pod", name: "p", uid: pod.metadata.uid };
    const path = "/api/v1/namespaces/default/serviceaccounts/mortal/token";
    const tokenFor = async (spec: object): Promise<string> => (await server.call("POST", path, { spec })).json().status.token;
    const [bound, free] = [await tokenFor({ boundObjectRef }), await tokenFor({})];
    expect([await statusWith(bound), await statusWith(free)]).toEqual([201, 201]);
    await server.call("DELETE", "/api/v1/namespaces/default/pods/p?gracePeriodSeconds=0");
    expect([await statusWith(bound), await statusWith(free)]).toEqual([401, 201]);
    await server.call("DELETE", "/api/v1/namespaces/default/serviceaccounts/mortal");
    expect(await statusWith(free)).toBe(401);
  });

  test("in a URL is not read", async () => {
    const token = await forged();
    expect((await stranger("GET", `/api/v1/pods?access_token=${token}`)).status).toBe(401);
    expect((await stranger("GET", `/api/v1/pods?token=${token}`)).status).toBe(401);
  });

  test("to join by is good until it ends", async () => {
    const tokenSecret = (id: string, more: object): object => ({
      metadata: { name: `bootstrap-token-${id}` },
      type: "bootstrap.kubernetes.io/token",
      stringData: { "token-id": id, "token-secret": "0123456789abcdef", "usage-bootstrap-authentication": "true", ...more },
    });
    const kubeSystem = "/api/v1/namespaces/kube-system/secrets";
    await server.call("POST", kubeSystem, tokenSecret("aaaaaa", {}));
    await server.call("POST", kubeSystem, tokenSecret("bbbbbb", { expiration: new Date(Date.now() - HOUR_MS).toISOString() }));
    await server.call("POST", kubeSystem, tokenSecret("cccccc", { "usage-bootstrap-authentication": "false" }));
    expect(await statusWith("aaaaaa.0123456789abcdef")).toBe(201);
    expect(await statusWith("aaaaaa.0123456789abcdeg")).toBe(401);
    expect(await statusWith("bbbbbb.0123456789abcdef")).toBe(401);
    expect(await statusWith("cccccc.0123456789abcdef")).toBe(401);
    await server.call("DELETE", `${kubeSystem}/bootstrap-token-aaaaaa`);
    expect(await statusWith("aaaaaa.0123456789abcdef")).toBe(401);
  });
});

describe("a certificate", () => {
  test("of another authority is refused, whatever it says", async () => {
    const other = await (await makeAuthority("other")).client("admin", ["system:masters"]);
    expect((await server.client(other)("GET", "/version")).status).toBe(401);
  });

  test("that has ended is refused", async () => {
    const times = { from: new Date(Date.now() - 2 * HOUR_MS), to: new Date(Date.now() - HOUR_MS) };
    const old = await server.authority.client("admin", ["system:masters"], times);
    expect((await server.client(old)("GET", "/version")).status).toBe(401);
  });

  test("of a server is no client's", async () => {
    expect((await server.client(await server.authority.server())("GET", "/version")).status).toBe(401);
  });
});

describe("acting as somebody else", () => {
  const as = (headers: Record<string, string>): Promise<Json> =>
    server
      .client(undefined)("GET", "/api/v1/pods", undefined, headers)
      .then((answer) => answer.json());

  test("is for those who may, and each part of it by itself", async () => {
    const rules = [{ apiGroups: [""], resources: ["users"], verbs: ["impersonate"], resourceNames: ["bob"] }];
    await server.call("POST", "/apis/rbac.authorization.k8s.io/v1/clusterroles", { metadata: { name: "as-bob" }, rules });
    const subjects = [{ kind: "User", apiGroup: "rbac.authorization.k8s.io", name: "jane" }];
    const roleRef = { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "as-bob" };
    await server.call("POST", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", {
      metadata: { name: "as-bob" },
      roleRef,
      subjects,
    });
    const jane = server.client(await server.authority.client("jane", []));
    const wordsOf = async (headers: Record<string, string>): Promise<string> =>
      (await jane("GET", "/api/v1/pods", undefined, headers)).json().message;
    expect(await wordsOf({ "impersonate-user": "alice" })).toBe(
      'users "alice" is forbidden: User "jane" cannot impersonate resource "users" in API group "" at the cluster scope',
    );
    expect(await wordsOf({ "impersonate-user": "bob" })).toContain('User "bob" cannot list resource "pods"');
    expect(await wordsOf({ "impersonate-user": "bob", "impersonate-group": "system:masters" })).toBe(
      'groups "system:masters" is forbidden: User "jane" cannot impersonate resource "groups" in API group "" at the cluster scope',
    );
    expect(await wordsOf({ "impersonate-user": "bob", "impersonate-uid": "1" })).toBe(
      'uids.authentication.k8s.io "1" is forbidden: User "jane" cannot impersonate resource "uids" in API group "authentication.k8s.io" at the cluster scope',
    );
    expect(await wordsOf({ "impersonate-user": "bob", "impersonate-extra-scopes": "all" })).toBe(
      'userextras.authentication.k8s.io "all" is forbidden: User "jane" cannot impersonate resource "userextras/scopes" in API group "authentication.k8s.io" at the cluster scope',
    );
    expect(await wordsOf({ "impersonate-user": "system:serviceaccount:kube-system:default" })).toBe(
      'serviceaccounts "default" is forbidden: User "jane" cannot impersonate resource "serviceaccounts" in API group "" in the namespace "kube-system"',
    );
  });

  test("is for nobody who does not say who they are", async () => {
    expect((await as({ "impersonate-user": "admin", "impersonate-group": "system:masters" })).message).toContain(
      'User "system:anonymous" cannot impersonate resource "users"',
    );
  });

  test("of no user makes no sense", async () => {
    const answer = await server.call("GET", "/api/v1/pods", undefined, { "impersonate-group": "g" });
    expect([answer.status, answer.text]).toEqual([
      500,
      'Internal Server Error: "/api/v1/pods": requested [{Group  g    }] without impersonating a user\n',
    ]);
  });
});

describe("a kubelet", () => {
  let node: Call;
  beforeAll(async () => {
    node = server.client(await server.authority.client("system:node:n1", ["system:nodes"]));
    for (const name of ["n1", "n2"]) await server.call("POST", "/api/v1/nodes", { metadata: { name } });
    for (const name of ["mine", "theirs"]) await server.call("POST", SECRETS, { metadata: { name } });
    for (const [name, nodeName, secret] of [
      ["on1", "n1", "mine"],
      ["on2", "n2", "theirs"],
    ]) {
      const volumes = [{ name: "s", secret: { secretName: secret } }];
      const resourceClaims = [{ name: "g", resourceClaimName: secret }];
      const spec = { nodeName, volumes, resourceClaims, containers: [{ name: "c", image: "i" }] };
      await server.call("POST", "/api/v1/namespaces/default/pods", { metadata: { name }, spec });
      await server.call("POST", CLAIMS, { metadata: { name: secret }, spec: {} });
      await server.call("POST", SLICES, slice(secret ?? "", nodeName ?? ""));
    }
  });

  const slice = (name: string, nodeName: string): object => ({
    metadata: { name },
    spec: { driver: "d", nodeName, pool: { name: "p", resourceSliceCount: 1 } },
  });

  test("reads what its pods name", async () => {
    expect((await node("GET", `${SECRETS}/mine`)).status).toBe(200);
    expect((await node("GET", "/api/v1/pods?fieldSelector=spec.nodeName%3Dn1")).status).toBe(200);
    expect((await node("GET", "/api/v1/nodes/n1")).status).toBe(200);
    expect((await node("GET", `${CLAIMS}/mine`)).status).toBe(200);
  });

  test("writes what devices it has", async () => {
    expect((await node("POST", SLICES, slice("more", "n1"))).status).toBe(201);
    expect((await node("GET", `${SLICES}/more`)).status).toBe(200);
    expect((await node("DELETE", `${SLICES}?fieldSelector=spec.nodeName%3Dn1`)).status).toBe(200);
    expect((await server.call("GET", SLICES)).json().items.map(({ metadata }: { metadata: { name: string } }) => metadata.name)).toEqual([
      "theirs",
    ]);
  });

  const podStatus = { metadata: { name: "on2" }, spec: { containers: [{ name: "c", image: "i" }] }, status: { phase: "Failed" } };
  test.each<[string, string, unknown, string]>([
    ["GET", `${SECRETS}/theirs`, undefined, "no relationship found between node 'n1' and this object"],
    ["GET", SECRETS, undefined, "No Object name found"],
    ["GET", "/api/v1/secrets", undefined, "can only read namespaced object of this type"],
    ["DELETE", `${SECRETS}/mine`, undefined, "can only read resources of this type"],
    ["GET", "/api/v1/nodes/n2", undefined, "node 'n1' cannot read 'n2', only its own Node object"],
    ["GET", "/api/v1/pods", undefined, "can only list/watch pods with spec.nodeName field selector"],
    ["GET", "/api/v1/pods?fieldSelector=spec.nodeName%3Dn2", undefined, "can only list/watch pods with spec.nodeName field selector"],
    ["GET", "/api/v1/namespaces/default/pods/on2", undefined, "no relationship found between node 'n1' and this object"],
    ["DELETE", "/api/v1/namespaces/default/pods/on2", undefined, 'node "n1" can only delete pods with spec.nodeName set to itself'],
    [
      "PUT",
      "/api/v1/namespaces/default/pods/on2/status",
      podStatus,
      'node "n1" can only update pod status for pods with spec.nodeName set to itself',
    ],
    [
      "POST",
      "/api/v1/namespaces/default/pods/on2/eviction",
      { metadata: { name: "on2" } },
      "node n1 can only evict pods with spec.nodeName set to itself",
    ],
    [
      "POST",
      "/api/v1/namespaces/default/pods",
      { metadata: { name: "x" }, spec: podStatus.spec },
      'pod does not have "kubernetes.io/config.mirror" annotation, node "n1" can only create mirror pods',
    ],
    ["POST", "/api/v1/namespaces/default/serviceaccounts/default/token", { spec: {} }, "node requested token not bound to a pod"],
    ["PUT", "/api/v1/nodes/n2/status", { metadata: { name: "n2" } }, 'node "n1" is not allowed to modify node "n2"'],
    [
      "PUT",
      "/api/v1/nodes/n1",
      {
        metadata: { name: "n1", labels: { "kubernetes.io/role": "master" } },
        spec: { taints: [{ key: "node.kubernetes.io/not-ready", effect: "NoSchedule" }] },
      },
      "is not allowed to modify labels: kubernetes.io/role",
    ],
    ["GET", `${CLAIMS}/theirs`, undefined, "no relationship found between node 'n1' and this object"],
    ["GET", CLAIMS, undefined, "can only get individual resources of this type"],
    ["GET", `${SLICES}/theirs`, undefined, "no relationship found between node 'n1' and this object"],
    ["GET", SLICES, undefined, "can only list/watch/deletecollection resourceslices with nodeName field selector"],
    ["POST", SLICES, slice("other", "n2"), "can only create ResourceSlice with the same NodeName as the requesting node"],
    ["POST", "/api/v1/nodes", { metadata: { name: "n3" } }, 'node "n1" is not allowed to modify node "n3"'],
    [
      "POST",
      "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases",
      { metadata: { name: "n2" } },
      "can only access node lease with the same name as the requesting node",
    ],
  ])("may not %s %s", async (method, path, body, words) => {
    const answer = (await node(method, path, body)).json();
    expect([answer.code, answer.message.endsWith(`: ${words}`) ? words : answer.message]).toEqual([403, words]);
  });
});

/** Sends bytes as they are; what comes back, up to `answers` heads. */
function raw(text: string, pair?: { readonly cert: string; readonly key: string }): Promise<string> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(server.url);
    const socket = connect({ host: hostname, port: Number(port), ca: server.authority.cert, ...pair }, () => socket.end(text));
    let received = "";
    socket.on("data", (chunk) => {
      received += chunk.toString();
    });
    socket.on("close", () => resolve(received));
    socket.on("error", reject);
  });
}

const head = (answer: string): string => answer.slice(0, answer.indexOf("\r\n"));

describe("paths and heads", () => {
  test.each([
    "/api/v1/namespaces/default/configmaps/../secrets",
    "/api/v1/namespaces/default/configmaps/..%2f..%2fkube-system%2fsecrets%2fx",
    "/api/v1/namespaces/default/configmaps/%2e%2e/secrets",
    "/api/v1/namespaces/default%2f..%2fkube-system/secrets",
    "/api/v1//namespaces/default/secrets",
    "/api/v1/namespaces//secrets",
    "/healthz/../api/v1/secrets",
    "/healthz%2f..%2fapi/v1/secrets",
    "//api/v1/secrets",
    "/api/v1/secrets%00",
    "/api/v1/secrets;x=/healthz",
  ])("lead nowhere: %s", async (path) => {
    const jane = await server.authority.client("jane", []);
    const answer = await raw(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`, jane);
    expect(head(answer)).toMatch(/^HTTP\/1\.1 (400|403|404) /);
  });

  test.each([
    ["both a length and chunks", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /api/v1/secrets HTTP/1.1\r\n\r\n"],
    ["two lengths", "Content-Length: 5\r\nContent-Length: 6\r\n\r\n{}   "],
    ["chunks by another name", "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"],
    ["a line feed alone", "X: a\nImpersonate-User: admin\r\n\r\n"],
    ["a folded line", "X: a\r\n Impersonate-User: admin\r\n\r\n"],
    ["a space before the colon", "Content-Length : 5\r\n\r\n{}   "],
  ])("with %s are refused", async (_what, rest) => {
    const answer = await raw(`POST /api/v1/namespaces HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n${rest}`);
    expect(head(answer)).toMatch(/^HTTP\/1\.1 (400|403) /);
    expect(answer.match(/^HTTP\/1\.1 /gm)).toHaveLength(1);
  });

  test("what a client sends comes back in no head", async () => {
    const injected = encodeURIComponent("a\r\nSet-Cookie: x=1");
    const answers = await Promise.all([
      server.call("POST", `/api/v1/namespaces/default/configmaps?fieldManager=${injected}`, { metadata: { name: "crlf" } }),
      server.call("POST", "/api/v1/namespaces/default/configmaps", { metadata: { name: "crlf2" }, "a\r\nSet-Cookie: x=1": 1 }),
      server.call("GET", `/api/v1/namespaces/default/configmaps/${injected}`),
    ]);
    for (const { headers } of answers) expect(headers["set-cookie"]).toBeUndefined();
  });
});
