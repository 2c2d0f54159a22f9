import type { Clock } from "../../../runtime/mod.ts";
import { GrpcClient } from "../grpc/client.ts";
import type { Received } from "../grpc/messages.ts";
import { type CsiDriverSocket, csiDriverAt } from "./csi-client.ts";
import { REGISTRATION, type RegistrationMessages } from "./messages.ts";
import type { NodeDirectories } from "./node-directories.ts";
import { type RegistrationSocket, registrationSockets } from "./registration-sockets.ts";

export type PluginInfo = Received<RegistrationMessages, "PluginInfo">;

/** Source: GenerateRegisterPluginFunc. */
const INFO_TIMEOUT_MS = 1_000;
const NOTIFY_TIMEOUT_MS = 5_000;

/** What a plugin says of itself. Throws GrpcFailure. */
export function pluginInfo({ path }: RegistrationSocket, clock: Clock): Promise<PluginInfo> {
  return withRegistration(path, clock, (client) => client.call("GetInfo", {}, INFO_TIMEOUT_MS));
}

/** Tells a plugin whether it is used from now on. Throws GrpcFailure. */
export async function notifyPlugin({ path }: RegistrationSocket, clock: Clock, error: string | undefined): Promise<void> {
  const status = { pluginRegistered: error === undefined, error: error ?? "" };
  await withRegistration(path, clock, (client) => client.call("NotifyRegistrationStatus", status, NOTIFY_TIMEOUT_MS));
}

type Registration = GrpcClient<RegistrationMessages, typeof REGISTRATION.methods>;

async function withRegistration<T>(path: string, clock: Clock, ask: (client: Registration) => Promise<T>): Promise<T> {
  const client = new GrpcClient(REGISTRATION, path, clock);
  try {
    return await ask(client);
  } finally {
    client.close();
  }
}

/** Finds drivers by their names where their sockets are, whoever has registered them. */
export class DriverSockets {
  readonly #directories: NodeDirectories;
  readonly #clock: Clock;
  readonly #timeout_ms: number | undefined;
  /** What plugins said, by their sockets. */
  readonly #known = new Map<string, PluginInfo>();

  constructor(directories: NodeDirectories, clock: Clock, timeout_ms?: number) {
    this.#directories = directories;
    this.#clock = clock;
    this.#timeout_ms = timeout_ms;
  }

  /** Undefined: none of the name answers on this node. */
  async find(node: string, name: string): Promise<CsiDriverSocket | undefined> {
    const plugin = await this.plugin(node, "CSIPlugin", name);
    return plugin === undefined ? undefined : csiDriverAt(plugin.endpoint, this.#clock, this.#timeout_ms);
  }

  /** The same of any type of plugin, with where it is called. */
  async plugin(node: string, type: string, name: string): Promise<PluginInfo | undefined> {
    const sockets = await registrationSockets(this.#directories.registryOf(node));
    for (const socket of sockets) {
      const info = await this.#infoOf(socket);
      if (info?.name === name && info.type === type) return { ...info, endpoint: info.endpoint || socket.path };
    }
    return undefined;
  }

  async #infoOf(socket: RegistrationSocket): Promise<PluginInfo | undefined> {
    const key = `${socket.path} ${socket.id}`;
    const info = this.#known.get(key) ?? (await pluginInfo(socket, this.#clock).catch(() => undefined));
    if (info !== undefined) this.#known.set(key, info);
    return info;
  }
}
