import { existsSync } from "node:fs";
import { join } from "node:path";
import type { NatsConnection } from "nats";
import { pinoLogger } from "../../runtime/mod.ts";
import { DataDirectory } from "../boot/data-directory.ts";
import { BootFailure } from "../boot/failure.ts";
import { NatsServer, runningAddress } from "../boot/nats-server.ts";
import { credentialsOf, natsBinary } from "../boot/up.ts";
import { connectionOptions, type NatsAddress } from "../nats/address.ts";
import { firstConnection } from "../nats/first-connection.ts";
import type { BackupFlags } from "./flags.ts";

/** Where a cluster's store is, for as long as a command needs it. */
export interface StoreConnection {
  readonly connection: NatsConnection;
  readonly where: string;
  close(): Promise<void>;
}

/**
 * Reaches the store of the cluster that the flags name: of one that runs through its NATS, and of one that does not by a nats-server for the time
 * being. Throws BootFailure.
 */
export async function connectToStore(flags: BackupFlags): Promise<StoreConnection> {
  if (flags.nats !== undefined) return connectTo(credentialsOf(flags.nats), async () => {});
  if (DataDirectory.holder(flags.data) !== undefined) {
    const address = runningAddress(flags.data);
    if (address !== undefined) return connectTo(address, async () => {});
  }
  if (!existsSync(join(flags.data, "nats"))) {
    throw new BootFailure(`there is no cluster in ${flags.data}; name its directory with --data DIR, or its NATS servers with --nats URL`);
  }
  const data = await DataDirectory.open(flags.data);
  try {
    data.refuseHalf();
  } catch (error) {
    data.close();
    throw error;
  }
  return ownServer(data);
}

/** A nats-server on a data directory that nobody runs. `close` ends both. */
export async function ownServer(data: DataDirectory): Promise<StoreConnection> {
  const end = async (): Promise<void> => data.close();
  try {
    const server = await NatsServer.start(data, natsBinary(), pinoLogger({ level: "warn" }));
    return await connectTo(server.address, async () => {
      await server.stop();
      await end();
    });
  } catch (error) {
    await end();
    throw error;
  }
}

export async function connectTo(address: NatsAddress, end: () => Promise<void>): Promise<StoreConnection> {
  const where = address.servers.join(", ");
  try {
    const connection = await firstConnection(connectionOptions(address));
    const close = async (): Promise<void> => {
      await connection.close();
      await end();
    };
    return { connection, where, close };
  } catch (error) {
    await end();
    throw new BootFailure(`cannot connect to NATS at ${where} (${(error as Error).message}); is it running?`);
  }
}
