import { expect, test } from "vitest";
import { ownNetwork } from "../../../../actors/node/sandbox/own-network.ts";

test("an address has the same hardware address whoever has it, and nothing is masqueraded by the bridge", () => {
  const [bridge] = ownNetwork("/d/pods", "10.244.128.0/24", "10.244.128.19").plugins;
  expect(bridge).toMatchObject({
    type: "bridge",
    args: { cni: { mac: "0a:58:0a:f4:80:13" } },
    ipam: { ranges: [[{ subnet: "10.244.128.0/24" }]] },
  });
  expect(bridge).not.toHaveProperty("ipMasq");
  // In the machine's own network, or where nobody wishes for one.
  expect(ownNetwork("/d/pods", "10.244.128.0/24", "").plugins[0]).not.toHaveProperty("args");
});
