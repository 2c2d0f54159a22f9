import { generateKeyPairSync } from "node:crypto";
import { BUILT_IN_KINDS, createRegistry, KindTable } from "../../actors/mod.ts";
import { createAccess } from "../../cluster/access/access.ts";
import { ANYBODY } from "../../cluster/access/authentication/anonymous.ts";
import type { AccessSettings } from "../../cluster/access/settings.ts";
import type { Gateway } from "../../cluster/gateway/gateway.ts";
import { createGateway } from "../../cluster/gateway/gateway.ts";
import { Dialer } from "../../cluster/outbound/dialer.ts";
import { OwnAddresses } from "../../cluster/outbound/own-address.ts";
import type { KeyPair } from "../../cluster/pki/issuing.ts";
import { makeAuthority, makeCertificate } from "../../cluster/pki/issuing.ts";
import { silentLogger, systemClock, systemRandom } from "../../runtime/mod.ts";
import type { StoreRig } from "./store-rig.ts";

const HOUR_MS = 3_600_000;

/** How a client in another thread reaches the gateway. */
export interface Access {
  readonly port: number;
  readonly ca: string;
  readonly pair: KeyPair;
}

/** The HTTPS door on a rig's store, with an administrator's certificate. */
export async function openGateway(rig: StoreRig): Promise<{ readonly gateway: Gateway; readonly access: Access }> {
  const clock = systemClock();
  const random = systemRandom();
  const validity = { from: new Date(clock.now_ms() - HOUR_MS), to: new Date(clock.now_ms() + HOUR_MS) };
  const ca = await makeAuthority("bench", validity);
  const server = await makeCertificate(ca, { commonName: "api", usages: ["server"], names: ["127.0.0.1"] }, validity);
  const pair = await makeCertificate(ca, { commonName: "admin", organizations: ["system:masters"], usages: ["client"] }, validity);
  const kinds = new KindTable(BUILT_IN_KINDS);
  const { replica: view, client: store } = rig;
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const signingKey = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  const settings: AccessSettings = {
    signingKey,
    consoleKey: signingKey,
    issuer: "https://bench",
    staticTokens: [],
    authentication: { jwt: [], anonymous: ANYBODY },
    tokenWebhook: undefined,
    authorizers: [{ type: "Node" }, { type: "RBAC" }],
  };
  const own = new OwnAddresses({ ports: new Set(), certificate: server.cert });
  const dialer = new Dialer(own);
  const registry = createRegistry({ view, store, clock, random, kinds });
  const gateway = createGateway({
    view,
    store,
    registry,
    kinds,
    own,
    access: createAccess({ settings, view, clock, log: silentLogger, dialer, newest: async () => {}, registry: () => registry }),
    // No node is played here, so nobody is asked.
    messenger: { tell: () => {}, ask: async () => Promise.reject(new Error("there is nobody")) },
    clock,
    random,
    log: silentLogger,
    tls: { key: server.key, cert: server.cert, clientCa: ca.cert },
    version: "bench",
    hosts: { reports: async () => [], snapshots: async () => [] },
  });
  return { gateway, access: { port: await gateway.listen(0, "127.0.0.1"), ca: ca.cert, pair } };
}
