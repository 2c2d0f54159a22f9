import { type ChildProcess, execFile, spawn } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { stringify } from "yaml";
import { until } from "../../cluster/chaos/until.ts";
import { type FetchedPatroni, installPatroni } from "../clients/fetched-patroni.ts";
import { killIfThere } from "./launch.ts";

const run = promisify(execFile);
/** Root may not run PostgreSQL: then it is nobody who does. */
const NOBODY = 65_534;
const USER = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
/** How long a leader that says nothing stays leader, seconds: the least that Patroni takes. */
export const TTL_S = 20;
const TIMES = { ttl: TTL_S, loop_wait: 1, retry_timeout: 3 };

interface Member {
  readonly name: string;
  readonly directory: string;
  readonly postgresPort: number;
  readonly restPort: number;
  child: ChildProcess | undefined;
}

export interface PatroniOptions {
  readonly scope: string;
  /** Leaders are elected on an Endpoints object, or else on a ConfigMap. */
  readonly useEndpoints: boolean;
  readonly members: readonly string[];
}

/** PostgreSQL servers that Patroni keeps, with the API of Kubernetes to agree on who leads. */
export class PatroniCluster {
  readonly scope: string;
  /** The program. */
  readonly #patroni: string;
  readonly #postgresBin: string;
  readonly #directory: string;
  readonly #members = new Map<string, Member>();

  private constructor(scope: string, programs: FetchedPatroni, directory: string) {
    this.scope = scope;
    this.#directory = directory;
    this.#patroni = installPatroni(programs, directory);
    this.#postgresBin = programs.postgresBin;
  }

  static async configured(programs: FetchedPatroni, kubeconfig: string, options: PatroniOptions): Promise<PatroniCluster> {
    const directory = mkdtempSync(join(tmpdir(), "troupe-patroni-"));
    chmodSync(directory, 0o755);
    const cluster = new PatroniCluster(options.scope, programs, directory);
    for (const name of options.members) await cluster.#configure(name, kubeconfig, options.useEndpoints);
    return cluster;
  }

  async #configure(name: string, kubeconfig: string, useEndpoints: boolean): Promise<void> {
    const directory = join(this.#directory, name);
    mkdirSync(directory);
    const [postgresPort = 0, restPort = 0] = await freePorts(2);
    const account = (username: string): object => ({ username, password: "troupe" });
    const text = readFileSync(kubeconfig, "utf8");
    const configuration = {
      scope: this.scope,
      name,
      kubernetes: {
        context: /^current-context: (\S+)$/m.exec(text)?.[1],
        namespace: "default",
        labels: { application: "patroni" },
        scope_label: "cluster-name",
        use_endpoints: useEndpoints,
        // A machine of nobody: Endpoints take no loopback address, and Patroni reaches its members by their connect_address.
        pod_ip: "192.0.2.1",
        ports: [{ name: "postgresql", port: postgresPort }],
      },
      restapi: { listen: `127.0.0.1:${restPort}`, connect_address: `127.0.0.1:${restPort}` },
      bootstrap: {
        dcs: { ...TIMES, postgresql: { parameters: { fsync: "off" } } },
        initdb: [{ encoding: "UTF8" }, { locale: "C" }, "no-sync"],
        pg_hba: ["host all all 127.0.0.0/8 trust", "host replication all 127.0.0.0/8 trust"],
      },
      postgresql: {
        listen: `127.0.0.1:${postgresPort}`,
        connect_address: `127.0.0.1:${postgresPort}`,
        data_dir: join(directory, "data"),
        bin_dir: this.#postgresBin,
        authentication: { superuser: account("postgres"), replication: account("replicator") },
        parameters: { unix_socket_directories: directory },
      },
    };
    writeFileSync(join(directory, "patroni.yml"), stringify(configuration));
    writeFileSync(join(directory, "kubeconfig"), text);
    for (const path of [directory, join(directory, "kubeconfig")]) if (USER.uid !== undefined) chownSync(path, USER.uid, USER.gid);
    this.#members.set(name, { name, directory, postgresPort, restPort, child: undefined });
  }

  /** Starts the Patroni of a member, which starts its PostgreSQL. */
  start(name: string): void {
    const member = this.#member(name);
    const env = { PATH: process.env.PATH, HOME: member.directory, KUBECONFIG: "kubeconfig" };
    const log = { stdout: "", path: join(member.directory, "log") };
    const child = spawn(this.#patroni, ["patroni.yml"], { cwd: member.directory, env, stdio: ["ignore", "pipe", "pipe"], ...USER });
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on("data", (chunk) => {
        log.stdout += chunk;
        writeFileSync(log.path, log.stdout);
      });
    }
    member.child = child;
  }

  /** What the member's REST API says of itself; undefined while it says nothing. */
  async state(name: string): Promise<{ readonly role: string; readonly state: string } | undefined> {
    try {
      return (await (await fetch(`http://127.0.0.1:${this.#member(name).restPort}/patroni`)).json()) as { role: string; state: string };
    } catch {
      return undefined;
    }
  }

  /** Asks for another leader; resolves with Patroni's words. */
  async switchover(leader: string, candidate: string): Promise<string> {
    const body = JSON.stringify({ leader, candidate });
    const answer = await fetch(`http://127.0.0.1:${this.#member(leader).restPort}/switchover`, { method: "POST", body });
    return `${answer.status} ${await answer.text()}`;
  }

  port(name: string): number {
    return this.#member(name).postgresPort;
  }

  /** Runs SQL on a member and gives the rows, one a line. */
  async sql(name: string, statement: string): Promise<string> {
    const args = [
      "-h",
      "127.0.0.1",
      "-p",
      String(this.port(name)),
      "-U",
      "postgres",
      "-qtA",
      "-v",
      "ON_ERROR_STOP=1",
      "-c",
      statement,
      "postgres",
    ];
    return (await run(join(this.#postgresBin, "psql"), args)).stdout.trim();
  }

  /** Ends a member as a power cut would: Patroni and PostgreSQL at once. */
  kill9(name: string): void {
    const { child, directory } = this.#member(name);
    killIfThere(child?.pid);
    killIfThere(postmasterPid(directory));
  }

  /** Ends what still runs, and removes all of it. */
  async discard(): Promise<void> {
    for (const { child } of this.#members.values()) child?.kill("SIGTERM");
    for (const { child } of this.#members.values()) {
      await until("the end of Patroni", () => child === undefined || child.exitCode !== null || child.signalCode !== null, 20_000).catch(
        () => {},
      );
    }
    for (const name of this.#members.keys()) this.kill9(name);
    rmSync(this.#directory, { recursive: true, force: true, maxRetries: 5 });
  }

  /** What a member has printed, for whoever has to find out why. */
  log(name: string): string {
    try {
      return readFileSync(join(this.#member(name).directory, "log"), "utf8");
    } catch {
      return "";
    }
  }

  #member(name: string): Member {
    const member = this.#members.get(name);
    if (member === undefined) throw new Error(`there is no member ${name}`);
    return member;
  }
}

function postmasterPid(directory: string): number | undefined {
  try {
    const pid = Number(readFileSync(join(directory, "data/postmaster.pid"), "utf8").split("\n")[0]);
    return pid > 0 ? pid : undefined;
  } catch {
    return undefined;
  }
}

/** Ports that were free a moment ago. */
async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      return server;
    }),
  );
  return Promise.all(
    servers.map(async (server) => {
      const { port } = server.address() as { readonly port: number };
      await new Promise((resolve) => server.close(resolve));
      return port;
    }),
  );
}
