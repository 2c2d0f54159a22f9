import { createHash, randomUUID } from "node:crypto";
import { isIPv6 } from "node:net";
import { availableParallelism } from "node:os";
import { setFlagsFromString } from "node:v8";
// Not by way of runtime/mod.ts: the parent only logs, and should not load the rest of the kernel before it has started its hosts.
import { pinoLogger } from "../../runtime/log.ts";
import type { Logger, LogLevel } from "../../runtime/mod.ts";
import { systemClock, systemRandom } from "../../runtime/system.ts";
import { CONSOLE_KEY, openSigningKey, SERVICE_ACCOUNT_KEY } from "../access/authentication/signing-key.ts";
import { readAccessSettings } from "../access/settings.ts";
import type { UpFlags } from "../command-line/flags.ts";
import type { Said } from "../command-line/output.ts";
import type { NatsAddress } from "../nats/address.ts";
import { type ClusterCertificates, openClusterCertificates } from "../pki/certificates.ts";
import { Renewal } from "../pki/renewal.ts";
import type { Closers } from "./closers.ts";
import { readEncryption, readPolicy, readSchedulerConfiguration } from "./configuration-files.ts";
import { DataDirectory } from "./data-directory.ts";
import { BootFailure } from "./failure.ts";
import type { ControlSecrets, HostOptions } from "./host-protocol.ts";
import { HostWorker } from "./host-worker.ts";
import { Introductions } from "./introductions.ts";
import { HIGH_WATER_FILE, type HostPlan, LOG_STREAM, planHosts, threadsFor } from "./layout.ts";
import { type NatsBinary, NatsServer } from "./nats-server.ts";
import { type Cluster, clusterOf } from "./running-cluster.ts";
import { readRuntime } from "./runtime-settings.ts";
import { readStages } from "./stages-file.ts";
import { versionOfTroupe } from "./version.ts";

/** SIGTERM to exit, of which the hosts have the larger part and nats-server the rest. */
const HOST_DRAIN_MS = 4_000;
const STORE_DRAIN_MS = 2_000;
/**
 * Calls after which V8 takes a function for worth its best compiler, where the API runs by itself; 3,000 of themselves. What is on the path of a request is
 * called once for each, so the first ten thousand would nearly all go through code that is half as fast. With a scheduler, let alone a whole cluster, so much more is
 * called so often in the first seconds that compiling it all takes the processors from what they are for; docs/benchmarks.md has the figures. It goes for all threads of the process that start after it is said.
 */
const CALLS_UNTIL_OPTIMIZED = 500;
/** Certificates end by the real clock. */
const REAL = { clock: systemClock(), random: systemRandom() };
const LOOPBACK = "127.0.0.1";
const LOG_LEVELS: readonly LogLevel[] = ["debug", "info", "warn", "error", "fatal", "silent"];

/** Starts a cluster, or goes on with the one in the data directory. */
export function up(flags: UpFlags, started_ms: number): Cluster {
  return clusterOf((closers, failed, waits) => start(flags, closers, failed, waits, started_ms));
}

async function start(
  flags: UpFlags,
  closers: Closers,
  failed: (failure: BootFailure) => void,
  waits: (what: string) => void,
  started_ms: number,
): Promise<Said> {
  const level = logLevel();
  const schedulerConfiguration = flags.schedulerConfig === undefined ? undefined : await readSchedulerConfiguration(flags.schedulerConfig);
  const audit = flags.audit === undefined ? undefined : { ...flags.audit, policy: await readPolicy(flags.audit.policyFile) };
  const encryption = flags.encryptionConfig === undefined ? undefined : await readEncryption(flags.encryptionConfig);
  const stages = await readStages(flags.stages);
  const runtimeIn = await readRuntime(flags.runtime);
  const data = await DataDirectory.open(flags.data);
  closers.add(() => data.close());
  closers.goOn();
  data.refuseHalf();
  const log = pinoLogger({ level });
  data.remove("status.json");
  closers.add(() => data.remove("status.json"));

  if (flags.only === "api") setFlagsFromString(`--invocation-count-for-turbofan=${CALLS_UNTIL_OPTIMIZED}`);
  // The hosts load their code while the rest is made ready.
  const plans = planHosts(flags.threads ?? threadsFor(availableParallelism(), flags.nodes), flags.only, flags.nodes);
  const introductions = new Introductions();
  const hosts = plans.map((plan) => new HostWorker(plan, log, failed, introductions));
  const { advertiseAddress } = flags;
  const opening = openClusterCertificates(data.file("pki"), { places: flags.services, advertised: advertiseAddress });
  const server = flags.nats === undefined ? startNats(data, log, flags, opening) : undefined;
  closers.add(async () => (await server?.catch(() => undefined))?.stop());
  closers.add(() => stopHosts(plans, hosts));
  closers.add(() => data.draining());
  waits(server === undefined ? "certificates" : "nats-server");
  const [own, certificates] = await Promise.all([server, opening]);
  closers.goOn();
  const pki = data.file("pki");
  const access = await readAccessSettings(flags.access, {
    signingKey: openSigningKey(pki, SERVICE_ACCOUNT_KEY),
    consoleKey: openSigningKey(pki, CONSOLE_KEY),
  });
  const version = versionOfTroupe();
  const runtime = runtimeIn(data);
  const apiHost = advertiseAddress ?? LOOPBACK;
  const nats: NatsAddress = own?.address ?? credentialsOf(flags.nats ?? []);
  const control = (of: ClusterCertificates): ControlSecrets => ({
    access,
    authority: of.authority,
    tls: of.server,
    frontProxy: of.frontProxy,
    kubeletClient: of.kubeletClient,
    natsKeys: own?.accounts.keys,
  });
  const options: Omit<HostOptions, "plan"> = {
    plans,
    nats,
    process: randomUUID(),
    mayMakeLog: own?.streamsBefore.includes(LOG_STREAM) !== true,
    highWaterFile: data.file(HIGH_WATER_FILE),
    snapshotRevisions: revisionsFrom("TROUPE_SNAPSHOT_REVISIONS"),
    watchHistoryRevisions: revisionsFrom("TROUPE_WATCH_HISTORY_REVISIONS"),
    encryption,
    version,
    logLevel: level,
    runtime,
    podCidr: flags.runtime.podCidr,
    nodes: flags.nodes,
    seed: flags.seed,
    stages,
    ca: certificates.server.ca,
    control: control(certificates),
    data: data.path,
    // The certificates are in the data directory, which one process at a time runs on.
    directory: createHash("sha256").update(certificates.server.ca).digest("base64url").slice(0, 16),
    audit,
    apiHost,
    apiPort: flags.apiPort,
    schedulerConfiguration,
    schedulers: flags.schedulers ?? 1,
    controllers: flags.controllers,
    services: flags.services,
  };
  waits("the store, which reads back what was written");
  const [started] = await Promise.all(hosts.map((host) => host.start({ ...options, plan: host.plan })));
  const first = await Promise.all(hosts.map((host, index) => (hasStore(plans[index]) ? host.begin() : undefined)));
  waits("the API, and the nodes to be Ready");
  const rest = await Promise.all(hosts.map((host, index) => (hasStore(plans[index]) ? undefined : host.begin())));
  closers.goOn();
  const port = [...first, ...rest].find((begun) => begun?.port !== undefined)?.port;
  const api = `https://${isIPv6(apiHost) ? `[${apiHost}]` : apiHost}:${port}`;
  const kubeconfig = data.file("kubeconfig");
  data.write("kubeconfig", certificates.kubeconfig(api));
  const renewal = new Renewal({
    ...REAL,
    log,
    what: "the certificates of the API server, of NATS, and of the administrator",
    life: certificates.life,
    renew: async () => {
      const renewed = await openClusterCertificates(data.file("pki"), {
        places: flags.services,
        advertised: advertiseAddress,
        renewed: true,
      });
      for (const host of hosts) host.renew(control(renewed));
      if (renewed.nats !== undefined) own?.renew(renewed.nats);
      data.write("kubeconfig", renewed.kubeconfig(api));
      return renewed.life;
    },
  });
  closers.add(async () => renewal.cancel());
  const ofServer =
    own?.syncsAlways === false ? `nats-server ${own.version} is older than 2.10: a power cut may lose the last writes` : started?.caution;
  const cautions = [...(ofServer === undefined ? [] : [ofServer]), ...[...first, ...rest].flatMap((begun) => begun?.cautions ?? [])];
  const caution = cautions.length === 0 ? undefined : cautions.join("; ");
  const status = {
    pid: process.pid,
    api,
    console: `${api}/console/`,
    nats: nats.servers.join(","),
    ...(own?.leafPort === undefined ? {} : { natsLeafPort: own.leafPort }),
    copies: started?.copies,
    kubeconfig,
    version,
    natsServer: own === undefined ? null : { version: own.version, pid: own.pid },
    ...(caution === undefined ? {} : { caution }),
  };
  data.write("status.json", `${JSON.stringify(status, null, 2)}\n`);
  // The launcher is another process, so the wall clock is all that they share; it may have been set back in between.
  const took_ms = Math.max(0, Math.round(Date.now() - started_ms));
  const line = `ready in ${took_ms} ms  api=${api}  kubeconfig=${kubeconfig}  console=${status.console}${caution === undefined ? "" : `  caution="${caution}"`}`;
  return { answer: { ready_ms: took_ms, ...status }, lines: [line] };
}

/** Where other machines are to reach it, it shows them a certificate of the cluster; else it starts while those are opened. */
async function startNats(
  data: DataDirectory,
  log: Logger,
  { advertiseAddress: host, natsPort: port, natsLeafPort }: UpFlags,
  opening: Promise<ClusterCertificates>,
): Promise<NatsServer> {
  const tls = host === undefined ? undefined : (await opening).nats;
  const leaves = natsLeafPort === undefined ? undefined : { port: natsLeafPort };
  return NatsServer.start(data, natsBinary(), log, host === undefined || tls === undefined ? undefined : { host, port, tls }, leaves);
}

/** The store's host ends last, so that what others still write has a taker. */
async function stopHosts(plans: readonly HostPlan[], hosts: readonly HostWorker[]): Promise<void> {
  const stopThose = (store: boolean, deadline_ms: number): Promise<unknown> =>
    Promise.all(hosts.map((host, index) => (hasStore(plans[index]) === store ? host.stop(deadline_ms) : undefined)));
  await stopThose(false, HOST_DRAIN_MS);
  await stopThose(true, STORE_DRAIN_MS);
}

function hasStore(plan: HostPlan | undefined): boolean {
  return plan?.roles.includes("store") === true;
}

/** The nats-server that the launcher found; without a launcher, that of the PATH. */
export function natsBinary(): NatsBinary {
  const { NATS_SERVER: path = "nats-server", NATS_SERVER_VERSION: version } = process.env;
  return { path, version };
}

/** What is logged to standard error; by TROUPE_LOG. Throws BootFailure. */
export function logLevel(): LogLevel {
  const wanted = process.env.TROUPE_LOG ?? "warn";
  const level = LOG_LEVELS.find((name) => name === wanted);
  if (level === undefined) throw new BootFailure(`TROUPE_LOG=${wanted} is none of ${LOG_LEVELS.join(", ")}`);
  return level;
}

/** A number of revisions that an environment variable sets; undefined where it does not. Throws BootFailure. */
function revisionsFrom(variable: string): number | undefined {
  const wanted = process.env[variable];
  if (wanted === undefined || wanted === "") return undefined;
  if (/^[1-9]\d{0,9}$/.test(wanted)) return Number(wanted);
  throw new BootFailure(`${variable}=${wanted} is not a number of revisions such as 100000`);
}

/** What NATS servers that the user names are reached by. */
export function credentialsOf(urls: readonly string[]): NatsAddress {
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
