import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { HOLLOW_ADDRESSES, HOLLOW_NODES_MAX, PodAddresses } from "../../../actors/node/cidr.ts";

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
