import { afterEach, beforeEach, expect, test } from "vitest";
import { NodeKind } from "../../../../actors/kinds/core/node.ts";
import type { Node } from "../../../../actors/kinds/generated/types.ts";
import type { Route } from "../../../../actors/node/pod-network/place.ts";
import { createPodNetworkKind, POD_NETWORK_ADDRESS } from "../../../../actors/node/pod-network/pod-network.ts";
import { named, startRegistry, type TestRegistry } from "../../registry/harness.ts";

/** What the kernel would have, as far as it does what it is told. */
class Kernel {
  readonly table = new Map<string, string>();
  readonly masqueraded: string[] = [];
  unreachable = "";

  async routes(): Promise<readonly Route[]> {
    return [...this.table].map(([to, via]) => ({ to, via }));
  }
  async route({ to, via }: Route): Promise<void> {
    if (via === this.unreachable) throw new Error("Error: Nexthop has invalid gateway.");
    this.table.set(to, via);
  }
  async unroute({ to }: Route): Promise<void> {
    this.table.delete(to);
  }
  async masquerade(from: string): Promise<void> {
    this.masqueraded.push(from);
  }
}

let cluster: TestRegistry;
let kernel: Kernel;
let events: string[];
let told: string[];

beforeEach(async () => {
  cluster = await startRegistry();
  kernel = new Kernel();
  // Of a machine that left while nobody looked.
  kernel.table.set("10.244.140.0/24", "192.0.2.40");
  [events, told] = [[], []];
  const { host, replica: view } = cluster.store;
  host.register(
    createPodNetworkKind({
      place: {
        ranges: ["10.244.0.0/16"],
        pods: () => view.get<Node>("nodes/self")?.spec?.podCIDR,
        own: [],
        nodes: [],
        routes: [],
      },
      view,
      others: view,
      kernel,
      recorder: {
        event: (about, _type, reason, message) => void events.push(`${about.metadata?.name} ${reason}: ${message}`),
      },
      isHere: (address) => address === "192.0.2.1",
      usePods: async (range) => void told.push(range),
    }),
  );
  host.messenger.tell(POD_NETWORK_ADDRESS, { type: "start" });
});
afterEach(() => cluster.stop());

const join = (name: string, address: string, podCIDR?: string): Promise<unknown> =>
  cluster.registry.create(
    NodeKind,
    named<Node>(name, undefined, {
      metadata: { labels: { "troupe.dev/machine": "sandbox" } },
      spec: podCIDR === undefined ? {} : { podCIDR, podCIDRs: [podCIDR] },
      status: { addresses: [{ type: "InternalIP", address }] },
    }),
  );

test("machines come, move and go, and so do the ways to their pods", async () => {
  await expect.poll(() => kernel.table.size).toBe(0);
  await join("self", "192.0.2.1");
  await join("a", "192.0.2.2", "10.244.129.0/24");
  await expect.poll(() => [...kernel.table]).toEqual([["10.244.129.0/24", "192.0.2.2"]]);
  expect(kernel.masqueraded).toEqual([]);
  await cluster.registry.modify(NodeKind, undefined, "self", (now) => ({
    ...now,
    spec: { podCIDR: "10.244.128.0/24", podCIDRs: ["10.244.128.0/24"] },
  }));
  await expect.poll(() => [kernel.masqueraded, told]).toEqual([["10.244.128.0/24"], ["10.244.128.0/24"]]);
  const moved = { addresses: [{ type: "InternalIP", address: "192.0.2.3" }] };
  await cluster.registry.modify(NodeKind, undefined, "a", (now) => ({ ...now, status: { ...now.status, ...moved } }), {
    subresource: "status",
  });
  await expect.poll(() => [...kernel.table]).toEqual([["10.244.129.0/24", "192.0.2.3"]]);
  await cluster.registry.delete(NodeKind, undefined, "a");
  await expect.poll(() => kernel.table.size).toBe(0);
});

test("a machine to which there is no way is told of at its Node, once, and the others are reached", async () => {
  kernel.unreachable = "198.51.100.1";
  await join("far", "198.51.100.1", "10.244.130.0/24");
  await join("near", "192.0.2.2", "10.244.131.0/24");
  await expect.poll(() => [...kernel.table]).toEqual([["10.244.131.0/24", "192.0.2.2"]]);
  expect(events).toEqual(["far FailedToCreateRoute: Error: Nexthop has invalid gateway."]);
});
