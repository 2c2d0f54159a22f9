import { webcrypto, X509Certificate } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { loadX509 } from "../../../cluster/pki/x509.ts";
import type { Call, Json, TestGateway } from "../gateway/harness.ts";
import { startGateway } from "../gateway/harness.ts";

const REQUESTS = "/apis/certificates.k8s.io/v1/certificatesigningrequests";

let server: TestGateway;
beforeAll(async () => {
  server = await startGateway({ controllers: ["certificate-approval", "certificate-signing", "service-account-tokens"] });
});
afterAll(() => server.stop());

interface Asked {
  readonly commonName: string;
  readonly organizations?: readonly string[];
  readonly names?: readonly string[];
}

/** A request as the API has it, and its key (PEM). */
async function requestFor({
  commonName,
  organizations = [],
  names = [],
}: Asked): Promise<{ readonly request: string; readonly key: string }> {
  const x509 = await loadX509();
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const made = await x509.Pkcs10CertificateRequestGenerator.create({
    name: [...organizations.map((one) => ({ O: [one] })), { CN: [commonName] }],
    keys,
    signingAlgorithm: algorithm,
    ...(names.length === 0
      ? {}
      : { extensions: [new x509.SubjectAlternativeNameExtension(names.map((value) => ({ type: "dns", value })))] }),
  });
  const key = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", keys.privateKey)).toString("base64");
  return {
    request: Buffer.from(made.toString("pem")).toString("base64"),
    key: `-----BEGIN PRIVATE KEY-----\n${key}\n-----END PRIVATE KEY-----\n`,
  };
}

async function ask(call: Call, name: string, signer: string, request: string, usages: readonly string[]): Promise<Json> {
  const spec = { request, signerName: `kubernetes.io/${signer}`, usages };
  return (await call("POST", REQUESTS, { metadata: { name }, spec })).json();
}

async function approve(name: string): Promise<void> {
  const asked = (await server.call("GET", `${REQUESTS}/${name}`)).json();
  asked.status = { conditions: [{ type: "Approved", status: "True", reason: "Test", message: "" }] };
  expect((await server.call("PUT", `${REQUESTS}/${name}/approval`, asked)).status).toBe(200);
}

/** What comes of a request; PEM. */
async function issued(name: string): Promise<string> {
  const read = async (): Promise<string> => (await server.call("GET", `${REQUESTS}/${name}`)).json().status?.certificate ?? "";
  return Buffer.from(await vi.waitUntil(read, { timeout: 20_000 }), "base64").toString();
}

const CLIENT_USAGES = ["client auth"];
const KUBELET_USAGES = ["digital signature", "client auth"];

describe("certificates on request", () => {
  test("an approved client is let in as who it asked to be", async () => {
    const { request, key } = await requestFor({ commonName: "jane", organizations: ["dev"] });
    await ask(server.call, "jane", "kube-apiserver-client", request, CLIENT_USAGES);
    await approve("jane");
    const cert = await issued("jane");
    const who = (await server.client({ cert, key })("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", {})).json();
    expect(who.status.userInfo).toEqual({ username: "jane", groups: ["dev", "system:authenticated"] });
  });

  test("nobody becomes a super-user by one", async () => {
    const { request } = await requestFor({ commonName: "jane", organizations: ["system:masters"] });
    expect((await ask(server.call, "masters", "kube-apiserver-client", request, CLIENT_USAGES)).message).toBe(
      'certificatesigningrequests.certificates.k8s.io "masters" is forbidden: use of kubernetes.io/kube-apiserver-client signer with system:masters group is not allowed',
    );
  });

  test("whoever asks is who asked, whatever the request says", async () => {
    const { request } = await requestFor({ commonName: "jane" });
    const spec = { request, signerName: "kubernetes.io/kube-apiserver-client", usages: CLIENT_USAGES, username: "boss", groups: ["all"] };
    expect((await server.call("POST", REQUESTS, { metadata: { name: "boss" }, spec })).json().spec).toMatchObject({
      username: "admin",
      groups: ["system:masters", "system:authenticated"],
    });
  });

  test("a bootstrap token gets a kubelet's certificate without anybody's help", async () => {
    const role = (name: string): object => ({ apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name });
    const subjects = [{ kind: "Group", apiGroup: "rbac.authorization.k8s.io", name: "system:bootstrappers" }];
    for (const name of ["system:node-bootstrapper", "system:certificates.k8s.io:certificatesigningrequests:nodeclient"]) {
      const binding = { metadata: { name: `test-${name}` }, roleRef: role(name), subjects };
      await server.call("POST", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", binding);
    }
    const stringData = { "token-id": "abcdef", "token-secret": "0123456789abcdef", "usage-bootstrap-authentication": "true" };
    const secret = { metadata: { name: "bootstrap-token-abcdef" }, type: "bootstrap.kubernetes.io/token", stringData };
    expect((await server.call("POST", "/api/v1/namespaces/kube-system/secrets", secret)).status).toBe(201);
    const machine: Call = (method, path, body) =>
      server.client(undefined)(method, path, body, { authorization: "Bearer abcdef.0123456789abcdef" });
    const { request, key } = await requestFor({ commonName: "system:node:n7", organizations: ["system:nodes"] });
    await ask(machine, "n7", "kube-apiserver-client-kubelet", request, KUBELET_USAGES);
    const cert = await issued("n7");
    expect(new X509Certificate(cert).keyUsage).toEqual(["1.3.6.1.5.5.7.3.2"]);
    const node = server.client({ cert, key });
    expect((await node("POST", "/api/v1/nodes", { metadata: { name: "n7" } })).status).toBe(201);
    expect((await node("GET", "/api/v1/nodes/n8")).status).toBe(403);
    expect((await machine("GET", "/api/v1/nodes/n7")).status).toBe(403);
  });

  test("what does not fit its signer fails, and says why", async () => {
    const { request } = await requestFor({ commonName: "system:node:n8", organizations: ["system:nodes"] });
    await ask(server.call, "unfit", "kubelet-serving", request, ["digital signature", "server auth"]);
    await approve("unfit");
    const failed = await vi.waitUntil(
      async () => {
        const { status } = (await server.call("GET", `${REQUESTS}/unfit`)).json();
        return status.conditions.find(({ type }: Json) => type === "Failed");
      },
      { timeout: 20_000 },
    );
    expect(failed).toMatchObject({ reason: "SignerValidationFailure", message: "DNS or IP subjectAltName is required" });
  });

  test("a kubelet serves with what it asked for", async () => {
    const asked = { commonName: "system:node:n9", organizations: ["system:nodes"], names: ["n9.local"] };
    const { request } = await requestFor(asked);
    await ask(server.call, "n9", "kubelet-serving", request, ["digital signature", "key encipherment", "server auth"]);
    await approve("n9");
    const certificate = new X509Certificate(await issued("n9"));
    expect(certificate.subjectAltName).toBe("DNS:n9.local");
    expect(certificate.verify(new X509Certificate(server.authority.cert).publicKey)).toBe(true);
  });
});

test("a secret for tokens gets one, which lives and dies with it", async () => {
  const secrets = "/api/v1/namespaces/default/secrets";
  const metadata = { name: "t", annotations: { "kubernetes.io/service-account.name": "default" } };
  await server.call("POST", secrets, { metadata, type: "kubernetes.io/service-account-token" });
  const token = await vi.waitUntil(async () => (await server.call("GET", `${secrets}/t`)).json().data?.token as string | undefined);
  const bearer = { authorization: `Bearer ${Buffer.from(token, "base64").toString()}` };
  const whoami = () => server.client(undefined)("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", {}, bearer);
  const today = new Date().toISOString().slice(0, 10);
  expect((await whoami()).json().status.userInfo.username).toBe("system:serviceaccount:default:default");
  // Its use is written down once a day, and nobody waits for that.
  const labels = async (): Promise<Json> => (await server.call("GET", `${secrets}/t`)).json().metadata.labels;
  const lastUsed = "kubernetes.io/legacy-token-last-used";
  await vi.waitUntil(async () => [today, new Date().toISOString().slice(0, 10)].includes((await labels())?.[lastUsed]));
  const label = (labels: object) =>
    server.call("PATCH", `${secrets}/t`, { metadata: { labels } }, { "content-type": "application/merge-patch+json" });
  await label({ "kubernetes.io/legacy-token-invalid-since": today, [lastUsed]: null });
  expect((await whoami()).status).toBe(401);
  await vi.waitUntil(async () => (await labels())?.[lastUsed] !== undefined);
  await label({ "kubernetes.io/legacy-token-invalid-since": null });
  expect((await whoami()).status).toBe(201);
  const { data } = (await server.call("GET", `${secrets}/t`)).json();
  await server.call("PATCH", `${secrets}/t`, { data: { token: "bm90aGluZw==" } }, { "content-type": "application/merge-patch+json" });
  expect((await whoami()).status, "another copy").toBe(401);
  await server.call("PATCH", `${secrets}/t`, { data }, { "content-type": "application/merge-patch+json" });
  await server.call("DELETE", `${secrets}/t`);
  expect((await whoami()).status).toBe(401);
});
