import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { HOLLOW_ADDRESSES, HOLLOW_NODES_MAX, MACHINE_NODES_MAX, machineAddresses, PodAddresses } from "../../../actors/node/cidr.ts";

const { indexOfPodCidr, nodeAddressOf, podCidrOf } = HOLLOW_ADDRESSES;

const index = fc.integer({ min: 0, max: HOLLOW_NODES_MAX - 1 });

describe("addresses of hollow nodes", () => {
  test.each([
    [0, "10.128.0.0/24", "172.16.1.0"],
    [1, "10.128.1.0/24", "172.16.1.1"],
    [256, "10.129.0.0/24", "172.16.2.0"],
    [HOLLOW_NODES_MAX - 1, "10.191.255.0/24", "172.16.64.255"],
  ])("node %i", (node, cidr, address) => {
    expect([podCidrOf(node), nodeAddressOf(node)]).toEqual([cidr, address]);
    expect(indexOfPodCidr(cidr)).toBe(node);
  });

  test.each(["10.127.255.0/24", "10.192.0.0/24", "10.128.0.0/16", "10.128.0.1/24", "fd00::/64", ""])("%j is no node's", (cidr) => {
    expect(indexOfPodCidr(cidr)).toBeUndefined();
  });

  test("no two nodes share a range or an address", () => {
    fc.assert(
      fc.property(index, index, (a, b) => {
        fc.pre(a !== b);
        expect(podCidrOf(a)).not.toBe(podCidrOf(b));
        expect(nodeAddressOf(a)).not.toBe(nodeAddressOf(b));
      }),
    );
  });
});

describe("addresses of nodes that are this machine", () => {
  const numberOf = (address: string): number => address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
  const within = (address: string, base: string, bits: number): boolean =>
    Math.floor(numberOf(address) / 2 ** (32 - bits)) === Math.floor(numberOf(base) / 2 ** (32 - bits));
  const last = MACHINE_NODES_MAX - 1;

  test("are of loopback, apart from those of services, and the same again for a directory", () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 0, max: last }), (directory, node) => {
        const plan = machineAddresses(directory);
        expect(within(plan.podCidrOf(node)?.slice(0, -3) ?? "", "127.64.0.0", 11)).toBe(true);
        expect(within(plan.nodeAddressOf(node), "127.112.0.0", 18)).toBe(true);
        expect(plan.indexOfPodCidr(plan.podCidrOf(node) ?? "")).toBe(node);
        expect(machineAddresses(directory).podCidrOf(node)).toBe(plan.podCidrOf(node));
      }),
    );
  });

  test("of different directories are the same or have nothing in common", () => {
    const all = Array.from({ length: 1_000 }, (_, n) => machineAddresses(`/data/${n}`));
    const firsts = new Map(all.map((plan) => [plan.podCidrOf(0), plan]));
    // Of 128, some may stay empty.
    expect(firsts.size).toBeGreaterThan(100);
    const everything = [...firsts.values()].flatMap((plan) =>
      [0, last].flatMap((node) => [plan.podCidrOf(node), plan.nodeAddressOf(node)]),
    );
    expect(new Set(everything).size).toBe(everything.length);
  });
});

describe("PodAddresses", () => {
  test("hands out each address once, inside the range, and again only after its release", () => {
    const addresses = new PodAddresses("10.128.7.0/24");
    addresses.adopt("10.128.7.9");
    const taken: string[] = [];
    for (let address = addresses.take(); address !== undefined; address = addresses.take()) taken.push(address);
    expect(new Set(taken).size).toBe(taken.length);
    expect(taken.length).toBe(252);
    expect(taken).not.toContain("10.128.7.9");
    expect(taken.every((address) => /^10\.128\.7\.([2-9]|\d\d|1\d\d|2[0-4]\d|25[0-4])$/.test(address))).toBe(true);
    addresses.release("10.128.7.100");
    expect(addresses.take()).toBe("10.128.7.100");
  });
});
