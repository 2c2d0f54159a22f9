import { afterEach, expect, test, vi } from "vitest";
import type { ForwarderReport } from "../../../../../actors/node/proxy/forwarding.ts";
import { findNftables } from "../../../../../actors/node/proxy/nftables/nft.ts";
import { NftablesForwarder } from "../../../../../actors/node/proxy/nftables/nftables-forwarder.ts";
import { UserspaceForwarder } from "../../../../../actors/node/proxy/userspace/userspace-forwarder.ts";
import { seededRandom, systemClock } from "../../../../../runtime/mod.ts";
import { dial, freePortOf, lineOf, tcpBackend } from "../loopback.ts";

const CLUSTER_IP = "127.96.78.1";
const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  vi.restoreAllMocks();
  for (const close of closers.splice(0).reverse()) await close();
});

test("where the kernel takes no rules, services are forwarded all the same, and it is said once why they are not by the kernel", async () => {
  const clock = systemClock();
  const reports: ForwarderReport[] = [];
  const report = (one: ForwarderReport): void => void reports.push(one);
  const forwarder = new NftablesForwarder({
    clock,
    // A program that does nothing but fail.
    nftables: { nft: "/bin/false", conntrack: undefined, table: "troupe-test", directory: "/d" },
    userspace: (opened) => new UserspaceForwarder(clock, seededRandom(1), report, opened),
    report,
  });
  closers.push(() => forwarder.close());
  const backend = await tcpBackend("127.57.0.1", "a");
  closers.push(backend.close);
  const at = { address: CLUSTER_IP, port: await freePortOf(CLUSTER_IP) };
  const entrances = [{ ...at, traffic: "internal", sources: [] }] as const;
  const port = { name: "", protocol: "TCP", affinity_ms: 0, entrances, internal: [backend], external: [], keepsClients: false } as const;
  forwarder.apply("services/d/s", { namespace: "d", name: "s", ports: [port], healthCheck: undefined });
  const socket = await dial(at);
  expect(await lineOf(socket)).toBe("a 127.0.0.1");
  socket.destroy();
  await expect.poll(() => reports, { timeout: 5_000 }).toEqual([{ type: "rulesRefused", error: "/bin/false ended with 1" }]);
});

test("who is not root is told so", async () => {
  vi.spyOn(process, "getuid").mockReturnValue(1_000);
  await expect(findNftables("/d")).rejects.toThrow("it takes root");
});
