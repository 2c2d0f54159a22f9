import { expect } from "vitest";
import { until } from "../../cluster/chaos/until.ts";
import type { ExampleCluster } from "./example-cluster.ts";
import type { Ended } from "./run-program.ts";

const WRITE = `
until psql -qc 'create table if not exists kept (n int primary key)'; do sleep 0.2; done
n=0
while :; do
  n=$((n + 1))
  psql -qc "insert into kept values ($n)" && echo $n
  sleep 0.4
done`;

/** A pod that writes rows into a PostgreSQL, one after the other and whatever happens, and prints the number of each that is acknowledged. */
export class Ledger {
  readonly #cluster: ExampleCluster;
  readonly #service: string;
  readonly #pod: string;
  /** Its example may not be run here. */
  hasBegun = false;

  /** The service is in the default namespace. */
  constructor(cluster: ExampleCluster, service: string) {
    this.#cluster = cluster;
    this.#service = service;
    this.#pod = `ledger-of-${service}`;
  }

  async begin(password: string): Promise<void> {
    const env = { PGHOST: await this.#cluster.hostOf(this.#service), PGUSER: "postgres", PGPASSWORD: password, PGCONNECT_TIMEOUT: "3" };
    const words = Object.entries(env).map(([name, value]) => `--env=${name}=${value}`);
    await this.#cluster.kubectl.ok(["run", this.#pod, "--image=postgres:15", ...words, "--", "sh", "-c", WRITE]);
    this.hasBegun = true;
    await this.goesOn();
  }

  /** Resolves when another row has been acknowledged. */
  async goesOn(): Promise<void> {
    const before = (await this.#acknowledged()).length;
    await until("another row", async () => (await this.#acknowledged()).length > before);
  }

  /** Runs SQL in the pod, on its service or another. */
  async psql(statement: string, service: string = this.#service): Promise<Ended> {
    const host = await this.#cluster.hostOf(service);
    return this.#cluster.kubectl.run(["exec", this.#pod, "--", "psql", "-qtA", "-h", host, "-c", statement]);
  }

  /** The rows, one a line. Empty: there are none, or it failed. */
  async rows(statement: string, service?: string): Promise<string> {
    return (await this.psql(statement, service)).stdout.trim();
  }

  /** Asserts that all that has been acknowledged is there. */
  async nothingLost(): Promise<void> {
    const acknowledged = await this.#acknowledged();
    const kept = new Set((await this.rows("select n from kept")).split("\n"));
    expect(acknowledged.filter((n) => !kept.has(n))).toEqual([]);
  }

  async #acknowledged(): Promise<readonly string[]> {
    return (await this.#cluster.kubectl.run(["logs", this.#pod])).stdout.match(/^\d+$/gm) ?? [];
  }
}
