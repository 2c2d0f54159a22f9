import { generateKeyPairSync, X509Certificate } from "node:crypto";
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { isIP } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, createServer, type TLSSocket } from "node:tls";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { BootFailure } from "../../../cluster/boot/failure.ts";
import { openCertificateAuthority } from "../../../cluster/pki/authority.ts";
import { advertisedBy, openClusterCertificates } from "../../../cluster/pki/certificates.ts";
import { writeKubeconfig } from "../../../cluster/pki/kubeconfig.ts";

const PLACES = { range: "10.96.0.0/16", clusterDomain: "cluster.local" };
const DAY_MS = 24 * 60 * 60 * 1000;

let directory: string;
const foreignKey = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ type: "pkcs8", format: "pem" }) as string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "troupe-pki-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe("the cluster's certificates", () => {
  test("stay the same over restarts, in files for the owner alone", async () => {
    const pki = join(directory, "pki");
    const first = await openClusterCertificates(pki, { places: PLACES });
    const second = await openClusterCertificates(pki, { places: PLACES });
    expect(second.server).toEqual(first.server);
    expect(second.kubeconfig("https://127.0.0.1:6443")).toBe(first.kubeconfig("https://127.0.0.1:6443"));
    expect(statSync(pki).mode & 0o777).toBe(0o700);
    for (const file of ["ca.pem", "apiserver.pem", "admin.pem"]) expect(statSync(join(pki, file)).mode & 0o777).toBe(0o600);
  });

  test.each(["127.0.0.1", "::1", "10.96.0.1", "localhost", "kubernetes", "kubernetes.default.svc.cluster.local"])(
    "name %s",
    async (name) => {
      const { server } = await openClusterCertificates(directory, { places: PLACES });
      const certificate = new X509Certificate(server.cert);
      expect(certificate.verify(new X509Certificate(server.ca).publicKey)).toBe(true);
      expect(isIP(name) ? certificate.checkIP(name) : certificate.checkHost(name)).toBe(name);
    },
  );

  test("a range and a domain of one's own are in it, also when there was another before", async () => {
    await openClusterCertificates(directory, { places: PLACES });
    const { server } = await openClusterCertificates(directory, { places: { range: "127.96.0.0/16", clusterDomain: "example.org" } });
    const certificate = new X509Certificate(server.cert);
    expect(certificate.checkIP("127.96.0.1")).toBe("127.96.0.1");
    expect(certificate.checkHost("kubernetes.default.svc.example.org")).toBe("kubernetes.default.svc.example.org");
  });

  test("are made anew, with the names that they have, when that is asked for; the authorities stay", async () => {
    const before = await openClusterCertificates(directory, { places: PLACES, advertised: "192.0.2.7" });
    const after = await openClusterCertificates(directory, { places: undefined, advertised: "192.0.2.7", renewed: true });
    expect(after.server.ca).toBe(before.server.ca);
    expect(after.frontProxy.ca).toBe(before.frontProxy.ca);
    expect(after.server.cert).not.toBe(before.server.cert);
    expect(after.nats?.cert).not.toBe(before.nats?.cert);
    const names = ({ server }: typeof before): string | undefined => new X509Certificate(server.cert).subjectAltName;
    expect(names(after)).toBe(names(before));
    for (const cert of [after.server.cert, after.nats?.cert ?? ""])
      expect(new X509Certificate(cert).checkIP("192.0.2.7")).toBe("192.0.2.7");
    expect(advertisedBy(directory)).toBe("192.0.2.7");
    expect(after.life.to_ms).toBeGreaterThan(Date.now() + 364 * 24 * 3_600_000);
  });

  test("let the administrator in by TLS, and tell the server who it is", async () => {
    const certificates = await openClusterCertificates(directory, { places: PLACES });
    const { users } = parse(certificates.kubeconfig("https://127.0.0.1:6443"));
    const decode = (field: string): Buffer => Buffer.from(users[0].user[field], "base64");
    const listener = createServer({ ...certificates.server, requestCert: true, rejectUnauthorized: true });
    const seen = new Promise<TLSSocket>((resolve) => listener.once("secureConnection", resolve));
    await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
    const { port } = listener.address() as { port: number };
    const client = connect({
      port,
      host: "127.0.0.1",
      ca: certificates.server.ca,
      cert: decode("client-certificate-data"),
      key: decode("client-key-data"),
    });
    const { subject } = (await seen).getPeerCertificate();
    expect({ ...subject }).toEqual({
      O: "system:masters",
      CN: "kubernetes-admin",
      "1.3.6.1.4.1.57683.2": expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
    client.destroy();
    await new Promise((resolve) => listener.close(resolve));
  });
});

describe("a certificate asked for by name", () => {
  const request = { commonName: "x", usages: ["server"], names: ["a.example", "127.0.0.1"] } as const;

  test("is made anew when a name is missing, or little of its life is left", async () => {
    let now_ms = Date.now();
    const authority = await openCertificateAuthority(directory, () => now_ms);
    const first = await authority.issueOnce("x", request);
    expect(await authority.issueOnce("x", { ...request, names: ["a.example"] })).toEqual(first);
    const wider = await authority.issueOnce("x", { ...request, names: [...request.names, "b.example"] });
    expect(wider).not.toEqual(first);
    now_ms += 200 * DAY_MS;
    expect(await authority.issueOnce("x", request)).toEqual(wider);
    now_ms += 100 * DAY_MS;
    expect(await authority.issueOnce("x", request)).not.toEqual(wider);
  });

  test("is made anew when another authority signed it", async () => {
    const first = await (await openCertificateAuthority(directory)).issueOnce("x", request);
    rmSync(join(directory, "ca.pem"));
    expect(await (await openCertificateAuthority(directory)).issueOnce("x", request)).not.toEqual(first);
  });
});

describe("what is wrong is said in one line that names the file", () => {
  const cases: readonly [what: string, spoil: (path: string) => void, words: RegExp][] = [
    ["rubbish", (path) => writeFileSync(path, "rubbish"), /is damaged: it lacks/],
    ["cut off", (path) => writeFileSync(path, readFileSync(path).subarray(0, 400)), /is damaged: it lacks/],
    [
      "another's key",
      (path) => writeFileSync(path, readFileSync(path, "utf8").replace(/-----BEGIN PRIVATE[\s\S]*/, foreignKey)),
      /is not its certificate's/,
    ],
  ];
  test.each(cases)("%s", async (_what, spoil, words) => {
    await openCertificateAuthority(directory);
    const path = join(directory, "ca.pem");
    spoil(path);
    const failure = await openCertificateAuthority(directory).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(BootFailure);
    expect((failure as Error).message).toMatch(words);
    expect((failure as Error).message).toContain(path);
    expect((failure as Error).message).not.toContain("\n");
  });

  test.skipIf(process.getuid?.() === 0)("unreadable", async () => {
    await openCertificateAuthority(directory);
    const path = join(directory, "ca.pem");
    chmodSync(path, 0);
    await expect(openCertificateAuthority(directory)).rejects.toThrow(`cannot read ${path} (EACCES)`);
  });

  test("an authority past its time", async () => {
    await openCertificateAuthority(directory);
    await expect(openCertificateAuthority(directory, () => Date.now() + 4000 * DAY_MS)).rejects.toThrow(/ca\.pem expired on/);
  });
});

test("a kubeconfig is replaced whole and is the owner's alone", () => {
  const path = join(directory, "kubeconfig");
  writeFileSync(path, "old", { mode: 0o644 });
  writeKubeconfig(path, { server: "https://127.0.0.1:1", authority: "A", user: { cert: "B", key: "C" } });
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(parse(readFileSync(path, "utf8"))).toMatchObject({ "current-context": "troupe", contexts: [{ name: "troupe" }] });
});
