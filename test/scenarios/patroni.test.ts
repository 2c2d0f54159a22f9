import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { until } from "../../cluster/chaos/until.ts";
import { FETCH_MS } from "../clients/fetched-clients.ts";
import { fetchedPatroni } from "../clients/fetched-patroni.ts";
import { PatroniCluster, TTL_S } from "./patroni-cluster.ts";
import { freshDataDirectory, Troupe } from "./troupe.ts";

/** Beyond this a dead leader is replaced late: its time, and what it takes to notice, to race and to promote on a busy machine. */
const FAILOVER_MS_MAX = 3 * TTL_S * 1_000;

interface Annotated {
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>> };
  readonly subsets?: readonly {
    readonly addresses?: readonly { readonly ip: string }[];
    readonly ports?: readonly { readonly port: number }[];
  }[];
}

const programs = await fetchedPatroni();
const reason = typeof programs === "string" ? ` (not here: ${programs})` : "";

/** Debian's Patroni with real PostgreSQL servers: leases and elections by compare-and-set on objects, watches, patches of pods. */
describe.skipIf(typeof programs === "string")(`patroni${reason}`, () => {
  let troupe: Troupe;
  const clusters: PatroniCluster[] = [];
  /** Where the leader of each is written. */
  const LEADERS = [
    { scope: "ends", useEndpoints: true, kind: "endpoints", name: "ends" },
    { scope: "maps", useEndpoints: false, kind: "configmap", name: "maps-leader" },
  ] as const;
  const MEMBERS = ["one", "two"] as const;
  const podOf = (scope: string, member: string): string => `${scope}-${member}`;

  beforeAll(async () => {
    if (typeof programs === "string") return;
    troupe = await Troupe.up(freshDataDirectory(), ["--nodes", "1"]);
    for (const { scope, useEndpoints } of LEADERS) {
      const members = MEMBERS.map((member) => podOf(scope, member));
      for (const name of members) {
        const labels = { application: "patroni", "cluster-name": scope };
        const pod = {
          apiVersion: "v1",
          kind: "Pod",
          metadata: { name, labels },
          spec: { containers: [{ name: "postgres", image: "postgres" }] },
        };
        await troupe.kubectl.ok(["create", "-f", "-"], { stdin: JSON.stringify(pod) });
      }
      clusters.push(await PatroniCluster.configured(programs, troupe.kubeconfig, { scope, useEndpoints, members }));
    }
  }, FETCH_MS);
  afterAll(async () => {
    await Promise.all(clusters.map((cluster) => cluster.discard()));
    await troupe?.discard();
  });

  const both = async (step: (cluster: PatroniCluster, index: number) => Promise<void>): Promise<void> => {
    await Promise.all(clusters.map(step));
  };
  const leaderObject = (index: number): Promise<Annotated> => {
    const { kind, name } = LEADERS[index] ?? LEADERS[0];
    return troupe.kubectl.json<Annotated>(["get", kind, name]);
  };
  const leaderOf = async (index: number): Promise<string | undefined> =>
    (await leaderObject(index).catch(() => undefined))?.metadata.annotations?.leader;
  const isRunning = async (cluster: PatroniCluster, member: string, role: string): Promise<boolean> => {
    const state = await cluster.state(member);
    return state?.state === "running" && state.role === role;
  };
  const rolesOf = (scope: string): Promise<string> =>
    troupe.kubectl.ok(["get", "pods", "-l", `cluster-name=${scope}`, "-o", "jsonpath={.items[*].metadata.labels.role}"]);

  test("the first member makes the cluster and leads it; the second follows", async () => {
    await both(async (cluster, index) => {
      const [one, two] = MEMBERS.map((member) => podOf(cluster.scope, member)) as [string, string];
      cluster.start(one);
      await until(`a leader of ${cluster.scope}`, async () => (await leaderOf(index)) === one && isRunning(cluster, one, "master"));
      cluster.start(two);
      await until(`a follower in ${cluster.scope}`, () => isRunning(cluster, two, "replica")).catch((error: Error) => {
        throw new Error(`${error.message}:\n${cluster.log(two)}`);
      });
      await until("the roles of the pods", async () => (await rolesOf(cluster.scope)) === "master replica");
      await cluster.sql(one, "create table t (n int); insert into t values (1)");
      await until("the row on the follower", async () => (await cluster.sql(two, "select n from t").catch(() => "")) === "1");
    });
    const [subset] = (await leaderObject(0)).subsets ?? [];
    expect([subset?.addresses?.[0]?.ip, subset?.ports?.[0]?.port]).toEqual(["192.0.2.1", clusters[0]?.port("ends-one")]);
  });

  test("switchover: the follower leads, the leader follows", async () => {
    await both(async (cluster, index) => {
      const [one, two] = MEMBERS.map((member) => podOf(cluster.scope, member)) as [string, string];
      expect(await cluster.switchover(one, two)).toMatch(/^200 Successfully switched over/);
      await until("the other leader", async () => (await leaderOf(index)) === two && isRunning(cluster, two, "master"));
      await until("the other follower", () => isRunning(cluster, one, "replica"));
      await until("the roles of the pods", async () => (await rolesOf(cluster.scope)) === "replica master");
      await cluster.sql(two, "insert into t values (2)");
      await until("the row on the follower", async () => (await cluster.sql(one, "select count(*) from t").catch(() => "")) === "2");
    });
    const [subset] = (await leaderObject(0)).subsets ?? [];
    expect(subset?.ports?.[0]?.port).toBe(clusters[0]?.port("ends-two"));
  });

  test("failover: a leader that is killed is replaced when its time is over, with all that it had acknowledged to its follower", async () => {
    await both(async (cluster, index) => {
      const [one, two] = MEMBERS.map((member) => podOf(cluster.scope, member)) as [string, string];
      cluster.kill9(two);
      await until(
        "a leader in its place",
        async () => (await leaderOf(index)) === one && isRunning(cluster, one, "master"),
        FAILOVER_MS_MAX,
      );
      expect(await cluster.sql(one, "insert into t values (3) returning n")).toBe("3");
      expect(await cluster.sql(one, "select count(*) from t")).toBe("3");
    });
  });
});
