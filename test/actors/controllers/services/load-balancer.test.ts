import { describe, expect, test } from "vitest";
import { parseAddressRange } from "../../../../actors/controllers/services/address-pool.ts";
import { loadBalancerController } from "../../../../actors/controllers/services/load-balancer.ts";
import { ServiceKind } from "../../../../actors/kinds/core/service.ts";
import { Transcript } from "../transcript.ts";

const POOL = [{ first: 0x7f610001, last: 0x7f610002 }];

function service(name: string, spec: object = {}, address?: string): object {
  const ingress = address === undefined ? {} : { ingress: [{ ip: address, ipMode: "VIP" }] };
  return { metadata: { name }, spec: { type: "LoadBalancer", ports: [{ port: 80 }], ...spec }, status: { loadBalancer: ingress } };
}

/** What is done about service `s`, with others there. */
function done(one: object, ...others: readonly object[]): readonly string[] {
  const transcript = new Transcript(loadBalancerController(POOL));
  for (const other of others) transcript.put(ServiceKind, other);
  transcript.put(ServiceKind, one);
  return transcript.actions("services/d/s").map((action) => {
    if (action.do === "event") return action.note.message;
    if (action.do !== "updateStatus") return expect.fail(`it does ${action.do}`);
    const { loadBalancer } = action.status as { loadBalancer: { ingress?: { ip: string }[] } };
    return loadBalancer.ingress?.map(({ ip }) => ip).join() ?? "none";
  });
}

describe("a service of type LoadBalancer", () => {
  test.each<[string, readonly string[], object, ...object[]]>([
    ["gets the first address that is free", ["127.97.0.2"], service("s"), service("o", {}, "127.97.0.1")],
    ["keeps what it has", [], service("s", {}, "127.97.0.2")],
    ["gets the one that it wishes for", ["127.97.0.2"], service("s", { loadBalancerIP: "127.97.0.2" })],
    ["gets another when it wishes for that", ["127.97.0.2"], service("s", { loadBalancerIP: "127.97.0.2" }, "127.97.0.1")],
    [
      "is told when another has it",
      ["Error syncing load balancer: 127.97.0.1 is the address of another service"],
      service("s", { loadBalancerIP: "127.97.0.1" }),
      service("o", {}, "127.97.0.1"),
    ],
    [
      "is told when it is none of the pool",
      ["Error syncing load balancer: 127.97.0.9 is not in the pool of addresses"],
      service("s", { loadBalancerIP: "127.97.0.9" }),
    ],
    [
      "is told when there is none left",
      ["Error syncing load balancer: there is no address left in the pool"],
      service("s"),
      service("o", {}, "127.97.0.1"),
      service("p", {}, "127.97.0.2"),
    ],
    ["gets another when two have one", ["127.97.0.2"], service("s", {}, "127.97.0.1"), service("o", {}, "127.97.0.1")],
    ["gets another when the pool is another", ["127.97.0.1"], service("s", {}, "127.99.0.1")],
    ["of our class", ["127.97.0.1"], service("s", { loadBalancerClass: "troupe.dev/loopback" })],
    ["of another class is another's", [], service("s", { loadBalancerClass: "example.com/x" }, "192.0.2.1")],
    ["gives its address back when it is of another type", ["none"], service("s", { type: "ClusterIP" }, "127.97.0.1")],
    ["of another type keeps what is not of the pool", [], service("s", { type: "ClusterIP" }, "192.0.2.1")],
  ])("%s", (_what, expected, one, ...others) => {
    expect(done(one, ...others)).toEqual(expected);
  });

  test("that waits is looked at when an address comes free", () => {
    const transcript = new Transcript(loadBalancerController([{ first: 0x7f610001, last: 0x7f610001 }]));
    transcript.put(ServiceKind, service("o", {}, "127.97.0.1")).put(ServiceKind, service("s"));
    expect(transcript.decide()).toEqual([
      "event Warning SyncLoadBalancerFailed Service/s: Error syncing load balancer: there is no address left in the pool",
    ]);
    transcript.remove(ServiceKind, "o");
    expect(transcript.decide()).toEqual(['status Service/s {"loadBalancer":{"ingress":[{"ip":"127.97.0.1","ipMode":"VIP"}]}}']);
  });
});

test.each<[string, readonly [string, string] | undefined]>([
  ["127.97.0.0/30", ["7f610000", "7f610003"]],
  ["127.97.0.9/32", ["7f610009", "7f610009"]],
  ["127.97.0.10-127.97.1.2", ["7f61000a", "7f610102"]],
  ["127.97.0.10", ["7f61000a", "7f61000a"]],
  ["127.97.0.10-127.97.0.9", undefined],
  ["127.97.0.10-127.97.0.11-127.97.0.12", undefined],
  ["127.97.0.0/33", undefined],
  ["fd00::/64", undefined],
  ["x", undefined],
])("the range %s", (text, expected) => {
  const range = parseAddressRange(text);
  expect(range === undefined ? undefined : [range.first.toString(16), range.last.toString(16)]).toEqual(expected);
});
