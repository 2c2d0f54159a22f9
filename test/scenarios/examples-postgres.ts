import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { until } from "../../cluster/chaos/until.ts";
import type { ExampleCluster } from "./example-cluster.ts";
import { killIfThere } from "./launch.ts";
import { Ledger } from "./ledger.ts";
import { processesThatMention } from "./processes.ts";

const EXAMPLE = join(import.meta.dirname, "../../examples/postgres");
const STREAMING = "select application_name from pg_stat_replication where state = 'streaming' order by 1";

/** examples/postgres in both its variants; the ledger goes on. `missing` is why it cannot be run, or empty. */
export function describePostgres(cluster: ExampleCluster, missing: string): Ledger {
  const ledger = new Ledger(cluster, "pgset-master");
  const kubectl = (...args: readonly string[]): Promise<string> => cluster.kubectl.ok(args);
  const of = (pod: string, path: string): Promise<string> => kubectl("get", "pod", pod, "-o", `jsonpath={${path}}`);
  const addressesOf = (service: string): Promise<string> =>
    kubectl(
      "get",
      "endpointslices",
      "-l",
      `kubernetes.io/service-name=${service}`,
      "-o",
      "jsonpath={.items[*].endpoints[*].targetRef.name}",
    );

  test.skipIf(missing !== "")(`postgres: a primary, replicas that follow it, one more, and a kill${missing}`, async () => {
    await kubectl("apply", "-k", EXAMPLE);
    await ledger.begin("change-me");
    await until("the replica follows", async () => (await ledger.rows(STREAMING)) === "pgset-1");
    await ledger.psql("create table t (n int); insert into t values (1)");
    await until("the row on the replica", async () => (await ledger.rows("select n from t", "pgset-replica")) === "1");
    const { stderr } = await ledger.psql("insert into t values (2)", "pgset-replica");
    expect(stderr).toContain("cannot execute INSERT in a read-only transaction");

    await kubectl("scale", "statefulset", "pgset", "--replicas=3");
    await until("the third follows", async () => (await ledger.rows(STREAMING)) === "pgset-1\npgset-2");
    await kubectl("rollout", "status", "statefulset/pgset", "--timeout=120s");
    await until("its service leads to it", async () => (await addressesOf("pgset-replica")).split(" ").sort().join() === "pgset-1,pgset-2");
    expect(await addressesOf("pgset-master")).toBe("pgset-0");
    const volume = await kubectl("get", "pvc", "pgset-pvc", "-o", "jsonpath={.spec.volumeName}");
    const directory = await kubectl("get", "pv", volume, "-o", "jsonpath={.spec.hostPath.path}");
    expect(readdirSync(directory).sort()).toEqual(["pgset-0", "pgset-1", "pgset-2"]);

    for (const { pid } of processesThatMention(...(await cluster.marksOf("pgset-0")))) killIfThere(pid);
    await until("the next run", async () => (await of("pgset-0", ".status.containerStatuses[0].restartCount")) === "1");
    await ledger.goesOn();
    await ledger.nothingLost();
  });

  test.skipIf(missing !== "")(`postgres, a claim per pod: what is deleted comes back with its volume${missing}`, async () => {
    const own = (...args: readonly string[]): Promise<string> => kubectl("--namespace=own", ...args);
    const sql = async (statement: string, service: string): Promise<string> => {
      const env = ["--env=PGPASSWORD=change-me"];
      const words = ["psql", "-qtA", "-h", await cluster.hostOf(service, "own"), "-U", "postgres", "-c", statement];
      const run = [
        "--namespace=own",
        "run",
        "psql",
        "-i",
        "--rm",
        "--quiet",
        "--restart=Never",
        "--image=postgres:15",
        ...env,
        "--",
        ...words,
      ];
      return (await cluster.kubectl.run(run)).stdout.trim();
    };
    await kubectl("create", "namespace", "own");
    await own("apply", "-k", join(EXAMPLE, "claim-per-pod"));
    const isReady = (): Promise<string> => own("rollout", "status", "statefulset/pgset", "--timeout=120s");
    await isReady();
    const volumes = (): Promise<string> =>
      own("get", "pvc", "-o", "jsonpath={range .items[*]}{.metadata.name} {.spec.volumeName}{'\\n'}{end}");
    const before = await volumes();
    expect(before.replace(/ pvc-\S+$/gm, "").split("\n")).toEqual(["pgdata-pgset-0", "pgdata-pgset-1"]);
    await sql("create table t (n int); insert into t values (1)", "pgset-master");
    await own("delete", "pod", "pgset-0", "pgset-1");
    await isReady();
    await until("the row on the replica", async () => (await sql("select n from t", "pgset-replica")) === "1");
    await until("and on the primary", async () => (await sql("select n from t", "pgset-master")) === "1");
    expect(await volumes()).toBe(before);
  });

  return ledger;
}
