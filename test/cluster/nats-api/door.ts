import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type NatsConnection } from "nats";
import { createUser } from "nkeys.js";
import { Troupe } from "../../../client/mod.ts";
import { DataDirectory } from "../../../cluster/boot/data-directory.ts";
import { NatsServer } from "../../../cluster/boot/nats-server.ts";
import { natsBinary } from "../../../cluster/boot/up.ts";
import type { GatewayOptions } from "../../../cluster/gateway/gateway.ts";
import { seedOf } from "../../../cluster/nats/accounts.ts";
import { connectionOptions } from "../../../cluster/nats/address.ts";
import { credentialsText } from "../../../cluster/nats/claims.ts";
import { openNatsApi } from "../../../cluster/nats-api/open-nats-api.ts";
import { pinoLogger } from "../../../runtime/mod.ts";
import { type Call, startGateway, type TestGateway, type TestGatewayOptions } from "../gateway/harness.ts";

/** A gateway with a door by NATS, on a nats-server of its own with a port for leaf nodes. */
export interface TestDoor {
  readonly gateway: TestGateway;
  readonly server: NatsServer;
  /** In the hosts' account: what it hears was published, whoever listens. */
  readonly host: NatsConnection;
  /** The text of a credentials file of whoever calls. */
  credentials(call: Call): Promise<string>;
  /** A client of whoever calls, at this server unless another is named. */
  client(call: Call, servers?: string): Promise<Troupe>;
  stop(): Promise<void>;
}

export async function startDoor(options: TestGatewayOptions = {}): Promise<TestDoor> {
  const directory = mkdtempSync(join(tmpdir(), "troupe-door-"));
  const log = pinoLogger({ level: "silent" });
  const server = await NatsServer.start(await DataDirectory.open(join(directory, "data")), natsBinary(), log, undefined, { port: 0 });
  const { accounts, address } = server;
  let made: GatewayOptions | undefined;
  const gateway = await startGateway({
    ...options,
    wrap: (given) => {
      made = { ...given, nats: { accounts, servers: address.servers, ca: undefined } };
      return made;
    },
  });
  if (made === undefined) throw new Error("the gateway was made without options");
  const host = await connect(connectionOptions(address));
  const connection = await connect({ ...connectionOptions(address), maxReconnectAttempts: -1, reconnectTimeWait: 50 });
  const { view, kinds, registry, clock, aggregation } = made;
  const close = await openNatsApi({
    address,
    accounts,
    connection,
    reception: gateway.gateway.reception,
    view,
    kinds,
    registry,
    clock,
    log,
    ...(aggregation === undefined ? {} : { aggregation }),
  });
  const clients: Troupe[] = [];
  const credentials = async (call: Call): Promise<string> => {
    const user = createUser();
    const answer = await call("POST", "/troupe/nats-credentials", { publicKey: user.getPublicKey() });
    return credentialsText(answer.json().jwt, seedOf(user));
  };
  return {
    gateway,
    server,
    host,
    credentials,
    client: async (call, servers = address.servers.join(",")) => {
      const client = await Troupe.connect({ servers, credentials: await credentials(call) });
      clients.push(client);
      return client;
    },
    stop: async () => {
      for (const client of clients) await client.connection.close();
      await close();
      await host.close();
      await gateway.stop();
      await server.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
