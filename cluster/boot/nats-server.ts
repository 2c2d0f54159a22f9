import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, renameSync, statSync } from "node:fs";
import { connect, createServer, isIPv6 } from "node:net";
import { join } from "node:path";
import type { Logger } from "../../runtime/mod.ts";
import { NATS_KEYS_FILE, NatsAccounts } from "../nats/accounts.ts";
import type { NatsAddress } from "../nats/address.ts";
import type { DataDirectory } from "./data-directory.ts";
import { BootFailure } from "./failure.ts";
import { LOG_STREAM } from "./layout.ts";
import { endLeftoverServers } from "./leftover-server.ts";

/** Which program to run. */
export interface NatsBinary {
  readonly path: string;
  /** As the launcher found out, such as "2.10.27"; undefined: ask it. */
  readonly version: string | undefined;
}

/** Largest message: the store's batches and the kernel's frames stay under it. */
const NATS_PAYLOAD_BYTES = 8 * 1024 * 1024;
/** JetStream would allow itself three quarters of what is free when it starts, also when that is nothing. The disk is the limit. */
const FILE_STORE_BYTES = 2 ** 50;
/** Longer than JetStream takes to recover a large log on a slow disk. */
const START_DEADLINE_MS = 30_000;
const STOP_DEADLINE_MS = 3_000;
const RESTART_BACKOFF_MS = 50;
const RESTART_BACKOFF_MAX_MS = 5_000;
const POLL_MS = 5;
/** The first version with `sync_interval: always`. */
const FSYNC_SINCE = [2, 10] as const;
const CONFIG = "nats/nats.conf";
const LOG = "nats/nats.log";
/** Where JetStream keeps the streams, by account. */
const ACCOUNTS = "nats/jetstream/jetstream";
/** Room for a client's token among what it says of itself when it connects: as many subjects as a user with many roles has. */
const CONTROL_LINE_BYTES = 256 * 1024;
const GUARD = "/usr/bin/setpriv";
const LOOPBACK = "127.0.0.1";
const KEYS = `pki/${NATS_KEYS_FILE}`;
const OPERATOR_S = 3_600;

/** Where a server that other machines reach listens, and what it shows them. */
export interface NatsListening {
  readonly host: string;
  /** 0: the one that it had before, or any free one. */
  readonly port: number;
  readonly tls: { readonly key: string; readonly cert: string; readonly ca: string };
}

/** Servers of others may connect as leaf nodes: what is behind them are clients. */
export interface NatsLeaves {
  /** 0: the one that it had before, or any free one. */
  readonly port: number;
}

/**
 * The nats-server that a Troupe brings along: a child process on the loopback interface (or where it is told to listen, by TLS then) with JetStream in the data directory, accounts
 * of its own, and every write synced to disk before it is acknowledged where the server knows how. When it dies it is started again on the same port, so that
 * clients reconnect by themselves; when this process is killed, it goes too, and what an earlier life left behind is ended first.
 */
export class NatsServer {
  readonly address: NatsAddress;
  readonly accounts: NatsAccounts;
  readonly version: string;
  /** Where leaf nodes connect; undefined: nowhere. */
  readonly leafPort: number | undefined;
  /** Whether an acknowledged write is on the disk. */
  readonly syncsAlways: boolean;
  /** Streams that had messages before this server was started. One of them that it does not know now is damaged. */
  readonly streamsBefore: readonly string[];
  readonly #binary: string;
  readonly #data: DataDirectory;
  readonly #log: Logger;
  #child: ChildProcess | undefined;
  /** Why the child that was started last is no longer there; undefined while it is. */
  #ended: string | undefined;
  #listens = false;
  #stopping = false;
  #backoff_ms = RESTART_BACKOFF_MS;

  private constructor(
    binary: string,
    version: string,
    data: DataDirectory,
    accounts: NatsAccounts,
    { address, leafPort }: Pick<NatsServer, "address" | "leafPort">,
    log: Logger,
  ) {
    this.#binary = binary;
    this.version = version;
    this.syncsAlways = syncsAlways(version);
    this.streamsBefore = streamsWithMessages(data.file(join(ACCOUNTS, accounts.cluster, "streams")));
    this.#data = data;
    this.accounts = accounts;
    this.address = address;
    this.leafPort = leafPort;
    this.#log = log;
  }

  /** Starts the server and resolves when it listens. Throws BootFailure, with nothing left running. */
  static async start(
    data: DataDirectory,
    binary: NatsBinary,
    log: Logger,
    listening?: NatsListening,
    leaves?: NatsLeaves,
  ): Promise<NatsServer> {
    const version = binary.version ?? versionOf(binary.path);
    mkdirSync(data.file("nats"), { recursive: true, mode: 0o700 });
    await endLeftoverServers(data.file(CONFIG), data.file("nats/nats.pid"));
    const accounts = NatsAccounts.open(data.file(KEYS));
    giveStreamsTo(accounts.cluster, data.file(ACCOUNTS));
    const host = listening?.host ?? LOOPBACK;
    // Clients, and machines that have joined, know the server by its port.
    const port = listening?.port || (await freePort(host, portBefore(data.path)));
    const leafPort = leaves === undefined ? undefined : leaves.port || (await freePort(host, leafPortBefore(data.path)));
    const tls = writeTls(data, listening?.tls);
    data.write(CONFIG, configuration(data, { host, port, leafPort, sync: syncsAlways(version), accounts, tls }));
    const address = addressOf(host, port, listening?.tls.ca, accounts.hostCredentials());
    const server = new NatsServer(binary.path, version, data, accounts, { address, leafPort }, log);
    const logBytes = sizeOf(data.file(LOG));
    server.#spawn();
    await server.#listening(host, port, logBytes);
    return server;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Shows another certificate from now on. */
  renew(tls: NatsListening["tls"]): void {
    writeTls(this.#data, tls);
    this.#child?.kill("SIGHUP");
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    const child = this.#child;
    if (child === undefined || this.#ended !== undefined) return;
    const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    child.kill("SIGTERM");
    const force = setTimeout(() => child.kill("SIGKILL"), STOP_DEADLINE_MS);
    await ended;
    clearTimeout(force);
  }

  #spawn(): void {
    // setpriv makes the kernel end the server when this process is killed; elsewhere the next start ends it.
    const guarded = process.platform === "linux" && existsSync(GUARD);
    const config = ["-c", this.#data.file(CONFIG)];
    // What it says before it has read where its log is goes there too.
    const out = openSync(this.#data.file(LOG), "a", 0o600);
    // A process group of its own: an interrupt from the terminal is ours to pass on, after the hosts have drained.
    const options = { stdio: ["ignore", out, out] as ("ignore" | number)[], detached: true };
    const child = guarded ? spawn(GUARD, ["--pdeathsig", "KILL", this.#binary, ...config], options) : spawn(this.#binary, config, options);
    closeSync(out);
    this.#child = child;
    this.#ended = undefined;
    const started_ms = performance.now();
    let over = false;
    const onEnd = (why: string): void => {
      if (over) return;
      over = true;
      this.#ended = why;
      if (this.#stopping || !this.#listens) return;
      if (performance.now() - started_ms > RESTART_BACKOFF_MAX_MS) this.#backoff_ms = RESTART_BACKOFF_MS;
      this.#log.warn({ why, restart_ms: this.#backoff_ms, log: this.#data.file(LOG) }, "nats-server ended; starting it again");
      setTimeout(() => !this.#stopping && this.#spawn(), this.#backoff_ms);
      this.#backoff_ms = Math.min(this.#backoff_ms * 2, RESTART_BACKOFF_MAX_MS);
    };
    child.once("error", (error: NodeJS.ErrnoException) => onEnd(error.code ?? error.message));
    child.once("exit", (code, signal) => onEnd(signal === null ? `exit code ${code}` : `signal ${signal}`));
  }

  async #listening(host: string, port: number, logBytes: number): Promise<void> {
    const deadline_ms = performance.now() + START_DEADLINE_MS;
    while (performance.now() < deadline_ms && this.#ended === undefined) {
      if (await accepts(host, port)) {
        this.#listens = true;
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    const ended = this.#ended;
    await this.stop();
    const words = lastWords(this.#data.file(LOG), logBytes);
    throw new BootFailure(
      ended === undefined
        ? `${this.#binary} did not start within ${START_DEADLINE_MS / 1000} s; see its log, ${this.#data.file(LOG)}`
        : `${this.#binary} ended at its start (${ended}${words === "" ? "" : `: ${words}`}); mend that, or name another with NATS_SERVER=/path/to/nats-server; its log is ${this.#data.file(LOG)}`,
    );
  }
}

/** How to reach the server that runs on this data directory, from the configuration that was written for it; undefined when there is none. */
export function runningAddress(dataDirectory: string): NatsAddress | undefined {
  return addressFor(dataDirectory, (accounts) => accounts.hostCredentials());
}

/** The same as the server's operator, for a while. */
export function systemAddress(dataDirectory: string): NatsAddress | undefined {
  return addressFor(dataDirectory, (accounts) => accounts.systemCredentials(Date.now(), OPERATOR_S));
}

function addressFor(dataDirectory: string, credentialsBy: (accounts: NatsAccounts) => string): NatsAddress | undefined {
  const text = configurationBefore(dataDirectory);
  const [host, port] = [/^host: "(.*)"$/m.exec(text)?.[1], portIn(text)];
  if (host === undefined || port === undefined) return undefined;
  const ca = /^ {2}ca_file: (".*")$/m.exec(text)?.[1];
  const credentials = credentialsBy(NatsAccounts.open(join(dataDirectory, KEYS)));
  return addressOf(host, port, ca === undefined ? undefined : readFileSync(JSON.parse(ca) as string, "utf8"), credentials);
}

function addressOf(host: string, port: number, ca: string | undefined, credentials: string): NatsAddress {
  const server = `${ca === undefined ? "nats" : "tls"}://${isIPv6(host) ? `[${host}]` : host}:${port}`;
  return { servers: [server], credentials, ...(ca === undefined ? {} : { ca }) };
}

function configurationBefore(dataDirectory: string): string {
  try {
    return readFileSync(join(dataDirectory, CONFIG), "utf8");
  } catch {
    return "";
  }
}

function portIn(text: string): number | undefined {
  const port = /^port: (\d+)$/m.exec(text)?.[1];
  return port === undefined ? undefined : Number(port);
}

function portBefore(dataDirectory: string): number | undefined {
  return portIn(configurationBefore(dataDirectory));
}

function leafPortBefore(dataDirectory: string): number | undefined {
  const port = /^leafnodes \{\n {2}host: .*\n {2}port: (\d+)$/m.exec(configurationBefore(dataDirectory))?.[1];
  return port === undefined ? undefined : Number(port);
}

/** The streams of a cluster are those of the account that its hosts have now: they had none before there were accounts, and another before its key was made anew. */
function giveStreamsTo(account: string, accounts: string): void {
  if (!existsSync(accounts) || existsSync(join(accounts, account))) return;
  const before = readdirSync(accounts).find((name) => existsSync(join(accounts, name, "streams", LOG_STREAM)));
  if (before !== undefined) renameSync(join(accounts, before), join(accounts, account));
}

/** nats-server reads its certificate from files. */
function writeTls(data: DataDirectory, tls: NatsListening["tls"] | undefined): TlsFiles | undefined {
  if (tls === undefined) return undefined;
  const { key, cert, ca } = tls;
  const files = { key: data.file("nats/key.pem"), cert: data.file("nats/certificate.pem"), ca: data.file("nats/ca.pem") };
  data.write("nats/key.pem", key);
  data.write("nats/certificate.pem", cert);
  data.write("nats/ca.pem", ca);
  return files;
}

interface TlsFiles {
  readonly key: string;
  readonly cert: string;
  readonly ca: string;
}

interface Configuration {
  readonly host: string;
  readonly port: number;
  readonly leafPort: number | undefined;
  readonly sync: boolean;
  readonly accounts: NatsAccounts;
  readonly tls: TlsFiles | undefined;
}

function configuration(data: DataDirectory, { host, port, leafPort, sync, accounts, tls }: Configuration): string {
  const tlsBlock =
    tls === undefined
      ? ""
      : `tls {
  key_file: ${JSON.stringify(tls.key)}
  cert_file: ${JSON.stringify(tls.cert)}
  ca_file: ${JSON.stringify(tls.ca)}
  min_version: "1.2"
}
`;
  const leavesBlock = leafPort === undefined ? "" : `leafnodes {\n  host: ${JSON.stringify(host)}\n  port: ${leafPort}\n${tlsBlock}}\n`;
  return `# Written at every start; changes are lost.
host: ${JSON.stringify(host)}
port: ${port}
pid_file: ${JSON.stringify(data.file("nats/nats.pid"))}
log_file: ${JSON.stringify(data.file(LOG))}
log_size_limit: 10485760
max_payload: ${NATS_PAYLOAD_BYTES}
max_pending: 268435456
max_control_line: ${CONTROL_LINE_BYTES}
write_deadline: "30s"
${accounts.configuration()}
${tlsBlock}${leavesBlock}jetstream {
  store_dir: ${JSON.stringify(data.file("nats/jetstream"))}
  max_file_store: ${FILE_STORE_BYTES}
${sync ? "  sync_interval: always\n" : ""}}
`;
}

function versionOf(binary: string): string {
  try {
    const printed = execFileSync(binary, ["--version"], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
    return /v?(\d+\.\d+\.\d+)/.exec(printed)?.[1] ?? "0.0.0";
  } catch (error) {
    throw new BootFailure(
      `cannot run nats-server (${binary}: ${(error as NodeJS.ErrnoException).code ?? "failed"}); install nats-server 2.10 or newer, or name one with NATS_SERVER=/path/to/nats-server`,
    );
  }
}

function syncsAlways(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > FSYNC_SINCE[0] || (major === FSYNC_SINCE[0] && minor >= FSYNC_SINCE[1]);
}

/** A directory alone proves nothing: the very first start may have been cut off right after it was made. */
function streamsWithMessages(directory: string): readonly string[] {
  const list = (path: string): readonly string[] => (existsSync(path) ? readdirSync(path) : []);
  return list(directory).filter((stream) => {
    const messages = join(directory, stream, "msgs");
    return list(messages).some((file) => file.endsWith(".blk") && sizeOf(join(messages, file)) > 0);
  });
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

/** The last line that was written to a log beyond its first `bytes`, without the time and process before its text. */
function lastWords(file: string, bytes: number): string {
  let added: string;
  try {
    added = readFileSync(file).subarray(bytes).toString("utf8").trim();
  } catch {
    return "";
  }
  const line = added.split("\n").at(-1) ?? "";
  return line.replace(/^\[\d+\] [\d/]+ [\d:.]+ /, "");
}

/** The port that is wanted, if nobody has it; else any. */
function freePort(host: string, wanted = 0): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", (error) => (wanted === 0 ? reject(error) : resolve(freePort(host))));
    probe.listen(wanted, host, () => {
      const address = probe.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      probe.close(() => resolve(port));
    });
  });
}

function accepts(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, host);
    socket.once("data", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
    socket.once("close", () => resolve(false));
  });
}
