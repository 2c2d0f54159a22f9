import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { type Logger, type LogLevel, pinoLogger } from "../../runtime/mod.ts";
import type { UpFlags } from "../command-line/flags.ts";
import { openClusterCertificates } from "../pki/certificates.ts";
import { DataDirectory } from "./data-directory.ts";
import { BootFailure } from "./failure.ts";
import type { HostOptions } from "./host-protocol.ts";
import { HostWorker } from "./host-worker.ts";
import { planHosts } from "./layout.ts";
import { type NatsAddress, NatsServer } from "./nats-server.ts";

/** SIGTERM to exit, of which the hosts have the larger part and nats-server the rest. */
const HOST_DRAIN_MS = 6_000;
const LOG_LEVELS: readonly LogLevel[] = ["debug", "info", "warn", "error", "fatal", "silent"];

/** A cluster that runs: what `troupe up` is between the ready line and the exit. */
export interface Cluster {
  readonly ready: string;
  /** Settles only if the cluster cannot go on. */
  readonly failed: Promise<BootFailure>;
  /** Drains and ends everything. Safe to call more than once. */
  stop(): Promise<void>;
}

/** Starts a cluster, or goes on with the one in the data directory. Throws BootFailure with nothing left running. */
export async function up(flags: UpFlags, started_ms: number): Promise<Cluster> {
  const data = DataDirectory.open(flags.data);
  const closers: (() => Promise<void> | void)[] = [() => data.close()];
  let stopping: Promise<void> | undefined;
  const stop = (): Promise<void> => {
    stopping ??= (async () => {
      while (closers.length > 0) await closers.pop()?.();
    })();
    return stopping;
  };
  try {
    const log = pinoLogger({ level: logLevel() });
    data.remove("status.json");
    closers.push(() => data.remove("status.json"));
    const failure = Promise.withResolvers<BootFailure>();
    const ready = await start(flags, data, log, closers, failure.resolve, started_ms);
    return { ready, failed: failure.promise, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function start(
  flags: UpFlags,
  data: DataDirectory,
  log: Logger,
  closers: (() => Promise<void> | void)[],
  failed: (failure: BootFailure) => void,
  started_ms: number,
): Promise<string> {
  const [own, certificates] = await Promise.all([
    flags.nats === undefined ? NatsServer.start(data, process.env.NATS_SERVER ?? "nats-server", log) : undefined,
    openClusterCertificates(data.file("pki")),
  ]);
  if (own !== undefined) closers.push(() => own.stop());
  const version = versionOfTroupe();
  const nats: NatsAddress = own?.address ?? credentialsOf(flags.nats ?? []);
  const plans = planHosts(flags.threads ?? (availableParallelism() >= 4 ? 3 : 2), flags.only);
  const options: Omit<HostOptions, "plan"> = {
    plans,
    nats,
    replicas: (flags.nats?.length ?? 1) >= 3 ? 3 : 1,
    version,
    logLevel: logLevel(),
    nodes: flags.nodes,
    tls: certificates.server,
    apiPort: flags.apiPort,
  };
  const hosts = plans.map((plan) => new HostWorker({ ...options, plan }, log, failed));
  // The store's host ends last, so that what others still write has a taker.
  const hasStore = (index: number): boolean => plans[index]?.roles.includes("store") === true;
  closers.push(async () => {
    await Promise.all(hosts.map((host, index) => (hasStore(index) ? undefined : host.stop(HOST_DRAIN_MS))));
    await Promise.all(hosts.map((host, index) => (hasStore(index) ? host.stop(HOST_DRAIN_MS / 2) : undefined)));
  });
  await Promise.all(hosts.map((host) => host.started()));
  const first = await Promise.all(hosts.map((host, index) => (hasStore(index) ? host.begin() : undefined)));
  const rest = await Promise.all(hosts.map((host, index) => (hasStore(index) ? undefined : host.begin())));
  const port = [...first, ...rest].find((begun) => begun?.port !== undefined)?.port;
  const api = `https://127.0.0.1:${port}`;
  const kubeconfig = data.file("kubeconfig");
  data.write("kubeconfig", certificates.kubeconfig(api));
  const caution =
    own?.syncsAlways === false ? `nats-server ${own.version} is older than 2.10: a power cut may lose the last writes` : undefined;
  const status = {
    pid: process.pid,
    api,
    console: `${api}/console/`,
    nats: nats.servers.join(","),
    kubeconfig,
    version,
    natsServer: own === undefined ? null : { version: own.version, pid: own.pid },
    ...(caution === undefined ? {} : { caution }),
  };
  data.write("status.json", `${JSON.stringify(status, null, 2)}\n`);
  const took_ms = Math.round(Date.now() - started_ms);
  return `ready in ${took_ms} ms  api=${api}  kubeconfig=${kubeconfig}  console=${status.console}${caution === undefined ? "" : `  caution="${caution}"`}`;
}

/** What is logged to standard error; by TROUPE_LOG. Throws BootFailure. */
function logLevel(): LogLevel {
  const wanted = process.env.TROUPE_LOG ?? "warn";
  const level = LOG_LEVELS.find((name) => name === wanted);
  if (level === undefined) throw new BootFailure(`TROUPE_LOG=${wanted} is none of ${LOG_LEVELS.join(", ")}`);
  return level;
}

function credentialsOf(urls: readonly string[]): NatsAddress {
  const first = new URL(urls[0] ?? "nats://127.0.0.1:4222");
  const servers = urls.map((url) => {
    const parsed = new URL(url);
    return `${parsed.protocol}//${parsed.host}`;
  });
  return {
    servers,
    ...(first.username === "" ? {} : { user: decodeURIComponent(first.username), pass: decodeURIComponent(first.password) }),
  };
}

export function versionOfTroupe(): string {
  return (JSON.parse(readFileSync(join(import.meta.dirname, "../../package.json"), "utf8")) as { version: string }).version;
}
