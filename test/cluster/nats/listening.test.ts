import { mkdtempSync, rmSync } from "node:fs";
import { connect as connectTcp } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { connect } from "nats";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { LOG_CONNECTION_OPTIONS } from "../../../actors/mod.ts";
import { DataDirectory } from "../../../cluster/boot/data-directory.ts";
import { NatsServer, runningAddress } from "../../../cluster/boot/nats-server.ts";
import { natsBinary } from "../../../cluster/boot/up.ts";
import { connectionOptions, type NatsAddress } from "../../../cluster/nats/address.ts";
import { type ClusterCertificates, openClusterCertificates } from "../../../cluster/pki/certificates.ts";
import { pinoLogger } from "../../../runtime/mod.ts";

const HOST = "127.0.0.1";
const PLACES = { range: "10.96.0.0/16", clusterDomain: "cluster.local" };
const directory = mkdtempSync(join(tmpdir(), "troupe-nats-listening-"));
let data: DataDirectory;
let certificates: ClusterCertificates;
let server: NatsServer;

const start = (): Promise<NatsServer> => {
  if (certificates.nats === undefined) throw new Error("the server has a certificate");
  return NatsServer.start(data, natsBinary(), pinoLogger({ level: "silent" }), { host: HOST, port: 0, tls: certificates.nats });
};

beforeAll(async () => {
  data = await DataDirectory.open(join(directory, "data"));
  certificates = await openClusterCertificates(data.file("pki"), { places: PLACES, advertised: HOST });
  server = await start();
});
afterAll(async () => {
  await server.stop();
  rmSync(directory, { recursive: true, force: true });
});

const portOf = ({ servers }: NatsAddress): number => Number(new URL(servers[0] ?? "").port);

/** The serial number of the certificate that the server shows. */
function shown(): Promise<string> {
  return new Promise((resolve, reject) => {
    const plain = connectTcp(portOf(server.address), HOST);
    plain.once("data", () => {
      const secure = connectTls({ socket: plain, ca: certificates.server.ca, checkServerIdentity: () => undefined }, () => {
        resolve(secure.getPeerCertificate().serialNumber);
        secure.destroy();
      });
      secure.on("error", reject);
    });
    plain.on("error", reject);
  });
}

test("where other machines reach it, it speaks TLS only, with a certificate of the cluster that names its address", async () => {
  expect(server.address.servers).toEqual([expect.stringMatching(/^tls:\/\/127\.0\.0\.1:\d+$/)]);
  const known = runningAddress(data.path);
  expect(known).toMatchObject({ servers: server.address.servers, ca: certificates.server.ca });
  const connection = await connect(connectionOptions(known ?? server.address));
  await connection.close();
  const refused = (address: NatsAddress): Promise<unknown> =>
    connect({ ...connectionOptions(address), reconnect: false, timeout: 5_000 }).then(
      () => "let in",
      (error: Error) => error.message,
    );
  const stranger = await openClusterCertificates(join(directory, "other"), { places: PLACES });
  expect(await refused({ ...server.address, ca: stranger.server.ca })).toMatch(/certificate|self.signed/i);
  // One of the cluster, but of another address.
  const port = portOf(server.address);
  expect(await refused({ ...server.address, servers: [`tls://127.0.0.2:${port}`] })).not.toBe("let in");
});

test("it shows a new certificate when it is given one, and connections come back by themselves", async () => {
  const connection = await connect({ ...LOG_CONNECTION_OPTIONS, ...connectionOptions(server.address) });
  const before = await shown();
  certificates = await openClusterCertificates(data.file("pki"), { places: PLACES, advertised: HOST, renewed: true });
  if (certificates.nats !== undefined) server.renew(certificates.nats);
  await vi.waitUntil(async () => (await shown()) !== before, 10_000);
  await vi.waitUntil(
    () =>
      connection.flush().then(
        () => true,
        () => false,
      ),
    10_000,
  );
  await connection.close();
});

test("started again it is where it was, for those who know it by its port", async () => {
  const port = portOf(server.address);
  await server.stop();
  server = await start();
  expect(portOf(server.address)).toBe(port);
});
