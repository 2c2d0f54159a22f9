import { expect, test } from "vitest";
import { type HostAnswer, observedHosts } from "../../../cluster/observation/hosts.ts";
import { MetricsPage } from "../../../cluster/observation/metrics-page.ts";
import {
  Directory,
  HOST_KIND,
  Host,
  type HostReport,
  hostKind,
  loopbackNetwork,
  silentLogger,
  systemClock,
  systemRandom,
} from "../../../runtime/mod.ts";
import { kindOf, poolOf } from "../../runtime/stage.ts";

const MEMBERS = ["back", "front"].map((host) => ({ host, kinds: [HOST_KIND, ...(host === "back" ? ["work"] : [])] }));

test("a page shows all hosts of the cluster, and which of them does not answer", async () => {
  const network = loopbackNetwork();
  const directory = new Directory([...MEMBERS, { host: "gone", kinds: [HOST_KIND] }]);
  const [back, front] = MEMBERS.map(({ host: name }) => {
    const host = new Host({
      name,
      clock: systemClock(),
      random: systemRandom(),
      log: silentLogger,
      directory,
      transport: network.join(name),
    });
    host.register(hostKind(host, () => [poolOf("sums", 3)]));
    return host;
  });
  if (back === undefined || front === undefined) throw new Error("two hosts were made");
  back.register(
    kindOf<{ type: "go" } | { type: "crash" }>("work", () => (message) => {
      if (message.type === "crash") throw new Error("as told");
    }),
  );
  for (const key of ["a", "b", "c"]) front.messenger.tell(`work/${key}`, { type: "go" });
  front.messenger.tell("work/c", { type: "crash" });
  front.messenger.tell("nobody/x", { type: "go" });
  const hosts = observedHosts(front.messenger, directory);
  expect((await hosts.reports()).map((answer) => [answer.host, "said" in answer])).toEqual([
    ["back", true],
    ["front", true],
    ["gone", false],
  ]);
  const text = await new MetricsPage(hosts, () => []).text();
  const lines = text.split("\n");
  for (const line of [
    'troupe_host_up{host="back"} 1',
    'troupe_host_up{host="gone"} 0',
    'troupe_actors{host="back",kind="work"} 2',
    'troupe_actor_messages_total{host="back",kind="work"} 4',
    'troupe_actor_activations_total{host="back",kind="work"} 3',
    'troupe_actor_crashes_total{host="back",kind="work"} 1',
    'troupe_actor_mailbox_messages{host="back",kind="work"} 0',
    'troupe_dead_letters_total{host="front",kind="",reason="unknown-kind"} 1',
    'troupe_worker_pool_running{host="back",pool="sums"} 2',
    'troupe_worker_pool_tasks_total{host="back",pool="sums",outcome="cancelled"} 0',
    'troupe_worker_pool_work_seconds_count{host="back",pool="sums"} 0',
    'troupe_dead_letters_total{host="front",kind="host",reason="unknown-kind"} 0',
    'troupe_worker_pool_queued{host="back",pool="sums"} 3',
    'troupe_actor_fenced_total{host="back",kind="work"} 0',
    'troupe_frames_doubled_total{host="back"} 0',
    "# TYPE troupe_actor_handler_seconds histogram",
  ]) {
    expect(lines).toContain(line);
  }
  await Promise.all([front.stop(), back.stop()]);
});

test("a histogram's buckets are added up, and its bounds are seconds", async () => {
  const counts = new Array(21).fill(0);
  counts[0] = 2;
  counts[7] = 1;
  counts[20] = 1;
  const report: HostReport = {
    host: "h",
    taken_ms: 0,
    heap_bytes: 5,
    pools: [],
    measures: [{ name: "troupe_store_snapshots", help: "Whole snapshots.", type: "gauge", value: 2 }],
    counters: {
      ...new Host({ name: "h", clock: systemClock(), random: systemRandom(), log: silentLogger }).counters(),
      blocks: { counts, count: 4, sum_ms: 11_500, max_ms: 11_000 },
    },
  };
  const answers: HostAnswer<HostReport>[] = [{ host: "h", said: report }];
  const text = await new MetricsPage({ reports: async () => answers, snapshots: async () => [] }, () => []).text();
  expect(text).toContain('# TYPE troupe_store_snapshots gauge\ntroupe_store_snapshots{host="h"} 2\n');
  const lines = text.split("\n").filter((line) => line.startsWith("troupe_kernel_block_seconds"));
  expect(lines).toContain('troupe_kernel_block_seconds_bucket{host="h",le="0.000005"} 2');
  expect(lines).toContain('troupe_kernel_block_seconds_bucket{host="h",le="0.0005"} 2');
  expect(lines).toContain('troupe_kernel_block_seconds_bucket{host="h",le="0.001"} 3');
  expect(lines).toContain('troupe_kernel_block_seconds_bucket{host="h",le="10"} 3');
  expect(lines.slice(-3)).toEqual([
    'troupe_kernel_block_seconds_bucket{host="h",le="+Inf"} 4',
    'troupe_kernel_block_seconds_sum{host="h"} 11.5',
    'troupe_kernel_block_seconds_count{host="h"} 4',
  ]);
});
