import { expect, test } from "vitest";
import {
  Directory,
  HOST_KIND,
  Host,
  type HostReport,
  type HostSnapshot,
  hostAddress,
  hostKind,
  loopbackNetwork,
  placeOf,
  seededRandom,
  silentLogger,
  virtualClock,
} from "../../runtime/mod.ts";
import { kindOf, poolOf } from "./stage.ts";

const NAMES = ["front", "back", "side"];
const MEMBERS = NAMES.map((host) => ({ host, kinds: [HOST_KIND, "work"] }));

/** Hosts that all see one another. */
function hosts() {
  const clock = virtualClock();
  const network = loopbackNetwork();
  const directory = new Directory(MEMBERS);
  return {
    clock,
    network,
    hosts: NAMES.map((name, index) => {
      const host = new Host({ name, clock, random: seededRandom(index), log: silentLogger, directory, transport: network.join(name) });
      host.register(hostKind(host, () => [poolOf("sums", index)]));
      host.register(kindOf("work", () => () => {}));
      return host;
    }),
  };
}

test("a host's own actor lives on that host, and nowhere when it is not there", () => {
  for (const name of NAMES) expect(placeOf(hostAddress(name), MEMBERS)).toBe(name);
  expect(placeOf(hostAddress("gone"), MEMBERS)).toBeUndefined();
  expect(placeOf(hostAddress("side"), [{ host: "side", kinds: ["work"] }])).toBeUndefined();
});

test("any host can ask any other what it has counted, and what its actors do", async () => {
  const { hosts: all, clock } = hosts();
  const [front] = all;
  for (let n = 0; n < 30; n++) front?.messenger.tell(`work/${n}`, { type: "go" });
  await clock.run(10);
  let active = 0;
  for (const [index, name] of NAMES.entries()) {
    const report = await front?.messenger.ask<HostReport>(hostAddress(name), { type: "report" });
    expect(report).toMatchObject({ host: name, taken_ms: 10, pools: [{ name: "sums", queued: index }] });
    expect(report?.heap_bytes).toBeGreaterThan(0);
    active += report?.counters.kinds.work?.active ?? 0;
    const message = { type: "snapshot", options: { kind: "work", actors_max: 2 } };
    const snapshot = await front?.messenger.ask<HostSnapshot>(hostAddress(name), message);
    expect(snapshot?.host).toBe(name);
    expect(snapshot?.actors).toHaveLength(2);
    expect(snapshot?.actorsLeftOut).toBe((report?.counters.kinds.work?.active ?? 0) - 2);
  }
  expect(active).toBe(30);
});
