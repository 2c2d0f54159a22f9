import { describe, expect, test } from "vitest";
import type { Entrance, PortForwarding, ServiceForwarding } from "../../../../../actors/node/proxy/forwarding.ts";
import { directoryIn, emptyTable, kernelRules, NO_RULES, tableOf } from "../../../../../actors/node/proxy/nftables/ruleset.ts";
import { transactionOf } from "../../../../../actors/node/proxy/nftables/transaction.ts";

const A = { address: "127.64.0.2", port: 8_080 };
const B = { address: "127.64.0.3", port: 8_080 };
const [POD, OTHER_POD] = [
  { address: "10.244.0.2", port: 80 },
  { address: "10.244.0.3", port: 80 },
];

const inside = (address: string, port = 80): Entrance => ({ address, port, traffic: "internal", sources: [] });
const outside = (address: string, port = 80, sources: readonly string[] = []): Entrance => ({
  address,
  port,
  traffic: "external",
  sources,
});

function web(port: Partial<PortForwarding>): ServiceForwarding {
  const all = { name: "http", protocol: "TCP", affinity_ms: 0, entrances: [], internal: [], external: [], keepsClients: false } as const;
  return { namespace: "d", name: "web", ports: [{ ...all, ...port }], healthCheck: undefined };
}

const rulesOf = (
  port: Partial<PortForwarding> | undefined,
  open: (entrance: Entrance) => boolean = () => true,
): ReturnType<typeof kernelRules> => kernelRules("services/d/web", port && web(port), (_port, entrance) => open(entrance));

/** Without what tells names apart that look alike, and without the table. */
const readable = (commands: readonly string[]): readonly string[] =>
  commands.map((command) =>
    command
      .replaceAll(/-[0-9a-f]{12}-services\/d\/web\/(?:tcp|udp)\/\w*\/?/g, " ")
      .replaceAll(" ip t ", " ")
      .trim(),
  );

interface Case {
  readonly of: string;
  readonly before?: Partial<PortForwarding>;
  readonly after: Partial<PortForwarding> | undefined;
  readonly commands: readonly string[];
}

const TO_A = "add rule internal  meta l4proto tcp dnat ip to numgen random mod 1 map { 0 : 127.64.0.2 . 8080 }";

const CASES: readonly Case[] = [
  {
    of: "a service with two endpoints",
    after: { entrances: [inside("127.96.0.9")], internal: [A, B] },
    commands: [
      "add chain internal",
      "flush chain internal",
      "add rule internal  meta l4proto tcp dnat ip to numgen random mod 2 map { 0 : 127.64.0.2 . 8080, 1 : 127.64.0.3 . 8080 }",
      "add element entrances { 127.96.0.9 . tcp . 80 : goto internal  }",
    ],
  },
  {
    of: "an endpoint that is gone: where clients come in stays as it is",
    before: { entrances: [inside("127.96.0.9")], internal: [A, B] },
    after: { entrances: [inside("127.96.0.9")], internal: [A] },
    commands: ["add chain internal", "flush chain internal", TO_A],
  },
  {
    of: "nothing that has changed",
    before: { entrances: [inside("127.96.0.9")], internal: [A] },
    after: { entrances: [inside("127.96.0.9")], internal: [A] },
    commands: [],
  },
  {
    of: "the last endpoint gone",
    before: { entrances: [inside("127.96.0.9")], internal: [A] },
    after: { entrances: [], internal: [] },
    commands: ["delete element entrances { 127.96.0.9 . tcp . 80 : goto internal  }", "flush chain internal"],
  },
  {
    of: "a service that is gone, with clients that were to stay",
    before: { entrances: [inside("127.96.0.9")], internal: [A], affinity_ms: 1_500 },
    after: undefined,
    commands: [
      "delete element entrances { 127.96.0.9 . tcp . 80 : goto internal  }",
      "flush chain endpoint 127.64.0.2_8080/2",
      "flush chain internal",
      "delete set clients 127.64.0.2_8080/2",
    ],
  },
  {
    of: "clients that are to stay",
    after: { entrances: [inside("127.96.0.9")], internal: [A, B], affinity_ms: 10_000 },
    commands: [
      "add chain endpoint 127.64.0.2_8080/10",
      "flush chain endpoint 127.64.0.2_8080/10",
      "add chain endpoint 127.64.0.3_8080/10",
      "flush chain endpoint 127.64.0.3_8080/10",
      "add chain internal",
      "flush chain internal",
      "add set clients 127.64.0.2_8080/10 { type ipv4_addr; size 65536; flags dynamic, timeout; timeout 10s; }",
      "add set clients 127.64.0.3_8080/10 { type ipv4_addr; size 65536; flags dynamic, timeout; timeout 10s; }",
      "add rule endpoint 127.64.0.2_8080/10 update @clients 127.64.0.2_8080/10 { ip saddr }",
      "add rule endpoint 127.64.0.2_8080/10 meta l4proto tcp dnat ip to 127.64.0.2:8080",
      "add rule endpoint 127.64.0.3_8080/10 update @clients 127.64.0.3_8080/10 { ip saddr }",
      "add rule endpoint 127.64.0.3_8080/10 meta l4proto tcp dnat ip to 127.64.0.3:8080",
      "add rule internal  ip saddr @clients 127.64.0.2_8080/10 goto endpoint 127.64.0.2_8080/10",
      "add rule internal  ip saddr @clients 127.64.0.3_8080/10 goto endpoint 127.64.0.3_8080/10",
      "add rule internal  numgen random mod 2 vmap { 0 : goto endpoint 127.64.0.2_8080/10, 1 : goto endpoint 127.64.0.3_8080/10 }",
      "add element entrances { 127.96.0.9 . tcp . 80 : goto internal  }",
    ],
  },
  {
    of: "pods with networks of their own: external clients are masqueraded, internal ones where they have to be",
    after: { entrances: [inside("10.96.0.9"), outside("10.244.64.1", 30_080)], internal: [POD, OTHER_POD], external: [POD] },
    commands: [
      "add chain internal",
      "flush chain internal",
      "add chain external",
      "flush chain external",
      "add rule internal  ct mark set ct mark | 0x2000",
      "add rule internal  meta l4proto tcp dnat ip to numgen random mod 2 map { 0 : 10.244.0.2 . 80, 1 : 10.244.0.3 . 80 }",
      "add rule external  ct mark set ct mark | 0x1000",
      "add rule external  meta l4proto tcp dnat ip to numgen random mod 1 map { 0 : 10.244.0.2 . 80 }",
      "add element entrances { 10.96.0.9 . tcp . 80 : goto internal  }",
      "add element entrances { 10.244.64.1 . tcp . 30080 : goto external  }",
    ],
  },
  {
    of: "externalTrafficPolicy Local: clients are seen as who they are",
    after: { entrances: [outside("10.244.64.1", 30_080)], external: [POD], keepsClients: true },
    commands: [
      "add chain external",
      "flush chain external",
      "add rule external  ct mark set ct mark | 0x2000",
      "add rule external  meta l4proto tcp dnat ip to numgen random mod 1 map { 0 : 10.244.0.2 . 80 }",
      "add element entrances { 10.244.64.1 . tcp . 30080 : goto external  }",
    ],
  },
  {
    of: "loadBalancerSourceRanges, one of which is none, beside a node port without",
    after: {
      entrances: [outside("127.97.0.1", 80, ["127.1.0.0/16", "::/0", "x; flush ruleset", "127.2.0.1"]), outside("127.0.0.1", 30_080)],
      external: [A],
    },
    commands: [
      "add chain external",
      "flush chain external",
      "add chain guard 127.1.0.0/16___/0_x__flush_ruleset_127.2.0.1",
      "flush chain guard 127.1.0.0/16___/0_x__flush_ruleset_127.2.0.1",
      "add rule external  meta l4proto tcp dnat ip to numgen random mod 1 map { 0 : 127.64.0.2 . 8080 }",
      "add rule guard 127.1.0.0/16___/0_x__flush_ruleset_127.2.0.1 ip saddr 127.1.0.0/16 goto external",
      "add rule guard 127.1.0.0/16___/0_x__flush_ruleset_127.2.0.1 ip saddr 127.2.0.1 goto external",
      "add element entrances { 127.97.0.1 . tcp . 80 : goto guard 127.1.0.0/16___/0_x__flush_ruleset_127.2.0.1 }",
      "add element entrances { 127.0.0.1 . tcp . 30080 : goto external  }",
    ],
  },
  {
    of: "what is to be done on both sides of loopback, or by IPv6: it is for the door",
    after: { entrances: [inside("127.0.0.1", 30_080), inside("fd00::1")], internal: [POD], external: [] },
    commands: [],
  },
  { of: "endpoints of which one is on the other side", after: { entrances: [inside("10.96.0.1")], internal: [POD, A] }, commands: [] },
];

describe("what the kernel is told", () => {
  test.each(CASES)("of $of", ({ before, after, commands }) => {
    const change = { before: before === undefined ? NO_RULES : rulesOf(before), after: rulesOf(after) };
    expect(readable(transactionOf("t", [change]).commands)).toEqual(readable(commands));
  });

  test("nothing of places where no door is open", () => {
    const { entrances } = rulesOf(
      { entrances: [inside("127.96.0.9"), inside("127.96.0.10")], internal: [A] },
      ({ address }) => address === "127.96.0.10",
    );
    expect([...entrances.keys()]).toEqual(["127.96.0.10 . tcp . 80"]);
  });

  test("first what is taken away, so that a place may go from one service to another; which chains nothing leads to any more", () => {
    const one = kernelRules("services/d/one", web({ entrances: [inside("127.96.0.9")], internal: [A] }), () => true);
    const other = kernelRules("services/d/other", web({ entrances: [inside("127.96.0.9")], internal: [A] }), () => true);
    const changes = [
      { before: NO_RULES, after: other },
      { before: one, after: NO_RULES },
    ];
    const { commands, emptied } = transactionOf("t", changes);
    const verbs = commands.map((command) => command.split(" ").slice(0, 2).join(" "));
    expect(verbs).toEqual(["delete element", "add chain", "flush chain", "add rule", "add element", "flush chain"]);
    expect(emptied).toEqual([...one.chains.keys()]);
  });

  test("of which flows of datagrams it remembers, and by names that it takes", () => {
    const name = "x".repeat(253);
    const { chains, flows } = kernelRules(
      `pods/d/${name}`,
      web({ name: "::1:8080", protocol: "UDP", entrances: [outside("127.0.0.1")], external: [A] }),
      () => true,
    );
    expect(flows).toEqual([{ entrance: { address: "127.0.0.1", port: 80 }, target: A }]);
    expect([...chains.keys()].join()).toMatch(/^external-[0-9a-f]{12}-pods\/d\/x+$/);
    expect([...chains.keys()].join().length).toBeLessThan(256);
  });

  test("whose table it is", () => {
    const directory = '/srv/a "cluster"\n';
    const listing = (path: string): string => `table ip x {\n\t${emptyTable("x", path)[2]?.split("{ ")[1]?.split(";")[0]}\n`;
    expect(directoryIn(tableOf("/srv/a"), listing("/srv/a"))).toBe("/srv/a");
    // Whose path could not be written down is nobody that is known.
    expect(directoryIn(tableOf(directory), listing(directory))).toBeUndefined();
    expect(directoryIn("troupe-00000000", listing("/srv/a"))).toBeUndefined();
  });
});
