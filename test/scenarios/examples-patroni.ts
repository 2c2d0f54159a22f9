import { join } from "node:path";
import { expect, test } from "vitest";
import { until } from "../../cluster/chaos/until.ts";
import { killIfThere } from "./launch.ts";
import { Ledger } from "./ledger.ts";
import { processesThatMention } from "./processes.ts";
import type { Troupe } from "./troupe.ts";

const EXAMPLE = join(import.meta.dirname, "../../examples/patroni");
const MEMBERS = ["patroni-0", "patroni-1"];
/** Beyond this a leader is replaced late: its TTL, and what it takes to race and to promote on a busy machine. */
const FAILOVER_MS_MAX = 60_000;

/** examples/patroni; the ledger goes on. */
export function describePatroni(cluster: () => Troupe): Ledger {
  const ledger = new Ledger(cluster, "patroni");
  const read = (...args: readonly string[]): Promise<string> => cluster().kubectl.ok(["get", ...args]);

  test("patroni: a leader that is killed, and one that is deleted, is replaced by its follower, which has all that was acknowledged", async () => {
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

    await cluster().kubectl.ok(["apply", "-k", EXAMPLE]);
    await ledger.begin("change-me");
    const first = await followed();
    const [address, api] = await Promise.all([
      read("pod", first, "-o", "jsonpath={.status.podIP}"),
      read("service", "kubernetes", "-o", "jsonpath={.spec.clusterIP}"),
    ]);
    for (const { pid } of processesThatMention(`POD_IP=${address}\0`, `KUBERNETES_SERVICE_HOST=${api}\0`)) killIfThere(pid);
    await replaced(first);
    await ledger.goesOn();
    await ledger.nothingLost();

    const second = await followed();
    expect(await read("pods", "-l", "cluster-name=patroni,role=master", "-o", "jsonpath={.items[*].metadata.name}")).toBe(second);
    await cluster().kubectl.ok(["delete", "pod", second, "--wait=false"]);
    await replaced(second);
    await ledger.goesOn();
    await ledger.nothingLost();
    await followed();
  });

  return ledger;
}
