import { expect, test } from "vitest";
import type { Node } from "../../../../actors/kinds/generated/types.ts";
import { networkPlan } from "../../../../actors/node/pod-network/network-plan.ts";
import type { NetworkPlace } from "../../../../actors/node/pod-network/place.ts";

const FIRST = { to: "10.244.0.0/17", via: "192.0.2.1" };

function machine(
  name: string,
  address: string,
  range: string | undefined,
  minute = 0,
  labels: object = { "troupe.dev/machine": "sandbox" },
): Node {
  return {
    metadata: { name, uid: name, creationTimestamp: `2026-01-01T00:0${minute}:00Z`, labels: labels as Record<string, string> },
    spec: range === undefined ? {} : { podCIDR: range, podCIDRs: [range] },
    status: { addresses: [{ type: "InternalIP", address }] },
  };
}

const place = (more: Partial<NetworkPlace> = {}): NetworkPlace => ({
  ranges: ["10.244.0.0/16"],
  pods: () => "10.244.128.0/24",
  own: [],
  nodes: [],
  routes: [FIRST],
  ...more,
});
const planned = (nodes: readonly Node[], where = place()) => {
  const { routes, refused } = networkPlan(where, nodes, (address) => address === "192.0.2.2");
  return [...routes.map(({ to, via }) => `${to} via ${via}`), ...refused.map(({ node, why }) => `${node}: ${why}`)];
};
const [SELF, OTHER] = [machine("self", "192.0.2.2", "10.244.128.0/24"), machine("other", "192.0.2.3", "10.244.129.0/24")];
const TO_FIRST = "10.244.0.0/17 via 192.0.2.1";

test.each<[string, readonly Node[], readonly string[]]>([
  ["itself: nowhere", [SELF], [TO_FIRST]],
  ["another: to where it says that it is", [SELF, OTHER], [TO_FIRST, "10.244.129.0/24 via 192.0.2.3"]],
  ["one without a range yet", [machine("new", "192.0.2.4", undefined)], [TO_FIRST]],
  ["processes, whose addresses are each machine's own", [machine("p", "192.0.2.4", "127.64.1.0/24")], [TO_FIRST]],
  [
    "nodes that the cluster plays by itself",
    [machine("node-0", "192.0.2.1", "10.244.0.0/24", 0, { "troupe.dev/runtime": "sandbox" })],
    [TO_FIRST],
  ],
  ["what is on this machine, too", [machine("twin", "127.0.0.1", "10.244.130.0/24")], [TO_FIRST]],
  [
    "a range that is none of pods: nobody takes the machine's traffic by a word of its Node",
    [machine("evil", "192.0.2.9", "0.0.0.0/0"), machine("worse", "192.0.2.9", "198.51.100.0/24")],
    [TO_FIRST],
  ],
  [
    "this machine's own range, or the first's",
    [machine("a", "192.0.2.9", "10.244.128.0/25"), machine("b", "192.0.2.9", "10.244.3.0/24"), machine("c", "192.0.2.9", "10.244.0.0/16")],
    [
      TO_FIRST,
      "a: its range 10.244.128.0/25 is part of 10.244.128.0/24, which is somebody else's",
      "b: its range 10.244.3.0/24 is part of 10.244.0.0/17, which is somebody else's",
      "c: its range 10.244.0.0/16 is part of 10.244.0.0/17, which is somebody else's",
    ],
  ],
  [
    "two that say the same: the older one has it",
    [machine("young", "192.0.2.9", "10.244.129.0/24", 1), OTHER],
    [TO_FIRST, "10.244.129.0/24 via 192.0.2.3", "young: its range 10.244.129.0/24 is part of 10.244.129.0/24, which is somebody else's"],
  ],
])("%s", (_what, nodes, said) => {
  expect(planned(nodes)).toEqual(said);
});

test("the first machine has what is its own, and no way to itself", () => {
  const first = place({ pods: () => "10.244.0.0/18", own: ["10.244.64.0/18"], routes: [{ to: "10.244.0.0/17", via: "127.0.0.1" }] });
  expect(planned([OTHER, machine("x", "192.0.2.9", "10.244.65.0/24")], first)).toEqual([
    "10.244.129.0/24 via 192.0.2.3",
    "x: its range 10.244.65.0/24 is part of 10.244.64.0/18, which is somebody else's",
  ]);
});
