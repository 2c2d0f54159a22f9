import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { ForwardedProtocol, PortForwarding, ServiceForwarding, Target } from "../../../../../actors/node/proxy/forwarding.ts";
import { FETCH_MS } from "../../../../clients/fetched-clients.ts";
import { fetchedNftables } from "../../../../clients/fetched-nftables.ts";
import { OwnNetwork } from "../../../../scenarios/own-network.ts";
import { Agent } from "./agent.ts";

const fetched = await fetchedNftables();
const why = typeof fetched === "string" ? fetched : await OwnNetwork.refusal();
const run = promisify(execFile);
/** So many that by chance alone they do not all go to one of two endpoints. */
const OFTEN = 24;

async function within({ words }: OwnNetwork, ...command: readonly string[]): Promise<string> {
  const [program = "", ...rest] = [...words, ...command];
  return (await run(program, rest)).stdout;
}

function agentIn(network: OwnNetwork): Promise<Agent> {
  return new Agent(network, typeof fetched === "string" ? {} : { PATH: `${fetched.bin}:${process.env.PATH}` }).ready();
}

/** What nft prints of all that there is. */
function rules(network: OwnNetwork): Promise<string> {
  return within(network, typeof fetched === "string" ? "" : fetched.nft, "list", "ruleset");
}

/** Where the kernel leads from. */
async function entrances(network: OwnNetwork): Promise<readonly string[]> {
  return [...(await rules(network)).matchAll(/([\d.]+) \. (?:tcp|udp) \. (\d+) : goto/g)].map(([, address, port]) => `${address}:${port}`);
}

function web(at: readonly Target[], targets: readonly Target[], more: Partial<PortForwarding> = {}): ServiceForwarding {
  const all = at.map(({ address, port }) => ({ address, port, traffic: "internal", sources: [] }) as const);
  const port: PortForwarding = {
    name: "http",
    protocol: "TCP",
    affinity_ms: 0,
    entrances: targets.length === 0 ? [] : all,
    internal: targets,
    external: targets,
    keepsClients: false,
    ...more,
  };
  return { namespace: "d", name: "web", ports: [port], healthCheck: undefined };
}

describe.skipIf(why !== undefined)(`the kernel forwards by nftables${why === undefined ? "" : ` (not here: ${why})`}`, () => {
  let network: OwnNetwork;
  /** Serves and asks. */
  let world: Agent;
  let proxy: Agent;
  let at: Target;
  let places = 0;
  beforeAll(async () => {
    network = await OwnNetwork.make();
    [world, proxy] = await Promise.all([agentIn(network), agentIn(network)]);
  }, FETCH_MS);
  afterAll(() => {
    for (const one of [world, proxy, network]) one?.end();
  });

  const endpoints = (protocol: ForwardedProtocol = "TCP"): Promise<readonly [Target, Target]> =>
    Promise.all([world.do("serve", protocol, "127.77.1.1", "a"), world.do("serve", protocol, "127.77.1.2", "b")]);
  const asked = async (from?: string): Promise<readonly string[]> => {
    const names = new Set<string>();
    for (let n = 0; n < OFTEN; n++) names.add(await world.do("ask", at, from));
    return [...names].sort();
  };
  const led = (): Promise<readonly string[]> => entrances(network);
  const leads = (...wanted: readonly string[]): Promise<void> => expect.poll(led).toEqual(wanted);
  const nowhere = (target: Target): Promise<void> => expect.poll(() => rules(network)).not.toContain(`${target.address} . ${target.port}`);

  describe("on loopback", () => {
    beforeEach(async () => {
      at = { address: "127.77.0.9", port: 8_080 + places++ };
      await proxy.do("begin", "/d/one");
    });
    afterEach(async () => {
      await proxy.do("end");
      expect(await rules(network)).toBe("");
    });

    test("to all endpoints, to none that is gone, and connections that stand stay where they are", async () => {
      const [a, b] = await endpoints();
      const place = `${at.address}:${at.port}`;
      await proxy.do("apply", web([at], [a]));
      await leads(place);
      expect(await world.do("hold", at)).toBe("a 127.0.0.1");
      await proxy.do("apply", web([at], [a, b]));
      await expect.poll(() => rules(network)).toContain(`${b.address} . ${b.port}`);
      expect(await asked()).toEqual(["a 127.0.0.1", "b 127.0.0.1"]);
      expect(await asked("127.77.5.5")).toEqual(["a 127.77.5.5", "b 127.77.5.5"]);
      await proxy.do("apply", web([at], [b]));
      await nowhere(a);
      expect([await asked(), await world.do("say", "still here")]).toEqual([["b 127.0.0.1"], "still here"]);
      await proxy.do("apply", web([at], []));
      await leads();
      expect([await asked(), await world.do("say", "and now")]).toEqual([["ECONNREFUSED"], "and now"]);
    });

    test("without us when we are killed, until the next of us takes over", async () => {
      const [a, b] = await endpoints();
      await proxy.do("apply", web([at], [a, b]));
      await leads(`${at.address}:${at.port}`);
      await world.do("hold", at);
      proxy.end();
      proxy = await agentIn(network);
      expect(await asked()).toEqual(["a 127.0.0.1", "b 127.0.0.1"]);
      await proxy.do("begin", "/d/one");
      await proxy.do("apply", web([at], [b]));
      await nowhere(a);
      expect([await asked(), await world.do("say", "still here")]).toEqual([["b 127.0.0.1"], "still here"]);
    });

    test("clients that are to stay to the endpoint that they had, as long as it is there", async () => {
      const [a, b] = await endpoints();
      await proxy.do("apply", web([at], [a, b], { affinity_ms: 60_000 }));
      await leads(`${at.address}:${at.port}`);
      const first = await Promise.all(Array.from({ length: OFTEN }, (_, n) => world.do("ask", at, `127.77.5.${n + 1}`)));
      expect(new Set(first.map((answer) => answer[0]))).toEqual(new Set(["a", "b"]));
      const again = await Promise.all(Array.from({ length: OFTEN }, (_, n) => world.do("ask", at, `127.77.5.${n + 1}`)));
      expect(again).toEqual(first);
      await proxy.do("apply", web([at], [a], { affinity_ms: 60_000 }));
      await expect.poll(() => rules(network)).not.toContain(`dnat to ${b.address}`);
      expect(await asked("127.77.5.1")).toEqual(["a 127.77.5.1"]);
      await proxy.do("apply", web([at], [a, b], { affinity_ms: 60_000 }));
      await expect.poll(() => rules(network)).toContain(`dnat to ${b.address}`);
      expect(await asked("127.77.5.1")).toEqual(["a 127.77.5.1"]);
    });

    test("those alone who may come; others find the door that turns them away", async () => {
      const [a] = await endpoints();
      const sources = ["127.77.5.0/24", "127.77.5.8/29", "::/0"];
      await proxy.do("apply", web([], [a], { entrances: [{ ...at, traffic: "external", sources }] }));
      await leads(`${at.address}:${at.port}`);
      expect([await asked("127.77.5.5"), await asked("127.77.6.5")]).toEqual([["a 127.77.5.5"], ["ECONNRESET"]]);
    });

    test("datagrams, and of a client whose endpoint is gone the next ones elsewhere", async () => {
      const [a, b] = await endpoints("UDP");
      await proxy.do("apply", web([at], [a], { protocol: "UDP" }));
      await leads(`${at.address}:${at.port}`);
      expect(await world.do("send", at, "one")).toBe("a:one");
      await proxy.do("apply", web([at], [b], { protocol: "UDP" }));
      await expect.poll(() => world.do("send", at, "two")).toBe("b:two");
    });

    test("from no place where somebody else listens, another cluster for one", async () => {
      const [a, b] = await endpoints();
      await proxy.do("apply", web([at], [a]));
      await leads(`${at.address}:${at.port}`);
      const other = await agentIn(network);
      const [own, taken] = [await other.do("serve", "TCP", "127.77.0.8", "other"), at];
      expect(await other.do("begin", "/d/two")).toEqual([expect.stringContaining("a cluster that was in /d/one still has rules")]);
      await other.do("apply", web([taken, own, { address: own.address, port: 8_079 }], [b]));
      await leads(`${at.address}:${at.port}`, `${own.address}:8079`);
      const places = [taken, own].map(({ address, port }) => `${address}:${port} EADDRINUSE`);
      expect([await asked(), await other.do("reports")]).toEqual([["a 127.0.0.1"], places]);
      expect(await world.do("ask", own)).toBe("other 127.0.0.1");
      await other.do("end");
      expect([await led(), await asked()]).toEqual([[`${at.address}:${at.port}`], ["a 127.0.0.1"]]);
      other.end();
    });
  });

  test("pods that have networks of their own are led to one another and to themselves; those on other links are seen as who they are", async () => {
    const [gateway, far] = ["10.200.0.1", "10.201.0.1"];
    const ip = (...words: readonly string[]): Promise<string> => within(network, "ip", ...words);
    await within(network, "sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward");
    await ip("link", "add", "bridge0", "type", "bridge");
    await ip("address", "add", `${gateway}/24`, "dev", "bridge0");
    await ip("link", "set", "bridge0", "up");
    await ip("route", "add", "local", "10.202.0.0/24", "dev", "lo");
    const pod = async (address: string, by: string, name: string): Promise<{ readonly agent: Agent; readonly target: Target }> => {
      const own = await OwnNetwork.make();
      ends.push(own);
      const device = `pod${name}`;
      await ip("link", "add", device, "type", "veth", "peer", "name", "eth0", "netns", String(own.pid));
      if (by === gateway) {
        await ip("link", "set", device, "master", "bridge0");
        await ip("link", "set", device, "type", "bridge_slave", "hairpin", "on");
      }
      if (by === far) await ip("address", "add", `${by}/24`, "dev", device);
      await ip("link", "set", device, "up");
      await within(own, "ip", "address", "add", `${address}/24`, "dev", "eth0");
      await within(own, "ip", "link", "set", "eth0", "up");
      await within(own, "ip", "route", "add", "default", "via", by);
      const agent = await agentIn(own);
      ends.push(agent);
      return { agent, target: await agent.do("serve", "TCP", address, name) };
    };
    const ends: { end(): void }[] = [];
    try {
      const [a, b, c] = await Promise.all([pod("10.200.0.2", gateway, "a"), pod("10.200.0.3", gateway, "b"), pod("10.201.0.2", far, "c")]);
      at = { address: "10.202.0.9", port: 80 };
      const balanced = { ...at, address: "10.202.0.10" };
      const node = { address: "127.0.0.1", port: 30_080 };
      const outside = [balanced, node].map((one) => ({ ...one, traffic: "external", sources: [] }) as const);
      const all = [{ ...at, traffic: "internal", sources: [] } as const, ...outside];
      await proxy.do("begin", "/d/one");
      await proxy.do("apply", web([], [b.target], { entrances: all }));
      await leads("10.202.0.9:80", "10.202.0.10:80");
      for (const call of ["0", "1"]) {
        // Where bridges show the kernel's rules what passes them, and where they do not.
        await within(network, "sh", "-c", `cd /proc/sys/net/bridge 2>/dev/null && echo ${call} >bridge-nf-call-iptables || true`);
        const seen = await Promise.all([a, b, c].map(({ agent }) => agent.do("ask", at)));
        expect(seen).toEqual([`b ${gateway}`, `b ${gateway}`, "b 10.201.0.2"]);
      }
      // Its endpoints may be on other machines; the kernel leaves it to the door what comes by loopback.
      expect(await c.agent.do("ask", balanced)).toBe(`b ${gateway}`);
      expect(await Promise.all([at, balanced, node].map((one) => world.do("ask", one)))).toEqual([
        `b ${gateway}`,
        `b ${gateway}`,
        `b ${gateway}`,
      ]);
      await proxy.do("apply", web([], [b.target], { entrances: all, keepsClients: true }));
      await expect.poll(async () => (await rules(network)).match(/ct mark set ct mark \| 0x00001000/g)).toHaveLength(1);
      expect(await c.agent.do("ask", balanced)).toBe("b 10.201.0.2");
    } finally {
      await proxy.do("end");
      for (const one of ends) one.end();
    }
  });
});
