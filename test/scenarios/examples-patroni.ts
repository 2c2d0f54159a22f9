import { join } from "node:path";
import { expect, test } from "vitest";
import { until } from "../../cluster/chaos/until.ts";
import type { ExampleCluster } from "./example-cluster.ts";
import { killIfThere } from "./launch.ts";
import { Ledger } from "./ledger.ts";
import { processesThatMention } from "./processes.ts";

const EXAMPLE = join(import.meta.dirname, "../../examples/patroni");
const MEMBERS = ["patroni-0", "patroni-1"];
/** Beyond this a leader is replaced late: its TTL, and what it takes to race and to promote on a busy machine. */
const FAILOVER_MS_MAX = 60_000;

/** examples/patroni; the ledger goes on. `missing` is why it cannot be run, or empty. */
export function describePatroni(cluster: ExampleCluster, missing: string): Ledger {
  const ledger = new Ledger(cluster, "patroni");
  const read = (...args: readonly string[]): Promise<string> => cluster.kubectl.ok(["get", ...args]);

  const title =
    "patroni: a leader that is killed, and one that is deleted, is replaced by its follower, which has all that was acknowledged";
  test.skipIf(missing !== "")(`${title}${missing}`, async ({ skip }) => {
    const isolation = await read("nodes", "-o", "jsonpath={.items[0].metadata.labels.troupe\\.dev/process-isolation}");
    skip(isolation === "none", "Patroni looks for its token at Kubernetes' path alone");
    const said = (name: string, annotation: string): Promise<string> =>
      read("endpoints", name, "--ignore-not-found", "-o", `jsonpath={.metadata.annotations.${annotation}}`);
    /** The leader, once there is one who may follow it: who has what it has, and of whom all know it. */
    const followed = (): Promise<string> =>
      until("a leader that is followed", async () => {
        const [leader, follower] = await Promise.all([said("patroni", "leader"), said("patroni-sync", "sync_standby")]);
        return MEMBERS.includes(follower) && leader !== follower && leader;
      });
    const replaced = (before: string): Promise<boolean> =>
      until(
        "another leader",
        async () => {
          const leader = await said("patroni", "leader");
          return MEMBERS.includes(leader) && leader !== before;
        },
        FAILOVER_MS_MAX,
      );

    await cluster.kubectl.ok(["apply", "-k", EXAMPLE]);
    await ledger.begin("change-me");
    const first = await followed();
    for (const { pid } of processesThatMention(...(await cluster.marksOf(first)))) killIfThere(pid);
    await replaced(first);
    await ledger.goesOn();
    await ledger.nothingLost();

    const second = await followed();
    expect(await read("pods", "-l", "cluster-name=patroni,role=master", "-o", "jsonpath={.items[*].metadata.name}")).toBe(second);
    await cluster.kubectl.ok(["delete", "pod", second, "--wait=false"]);
    await replaced(second);
    await ledger.goesOn();
    await ledger.nothingLost();
    await followed();
  });

  return ledger;
}
