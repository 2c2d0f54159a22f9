import { describe, expect, test } from "vitest";
import { NodeCidrs } from "../../../../actors/controllers/nodes/node-cidrs.ts";
import { type ClusterCidr, nodeIpamController } from "../../../../actors/controllers/nodes/node-ipam.ts";
import { NodeKind } from "../../../../actors/kinds/core/node.ts";
import { Transcript } from "../transcript.ts";

const given = (name: string, ...cidrs: readonly string[]): string =>
  `modify Node/${name} ${JSON.stringify({ spec: { podCIDR: cidrs[0], podCIDRs: cidrs } })}`;
const none = (name: string): string => `event Normal CIDRNotAvailable Node/${name}: Node ${name} status is now: CIDRNotAvailable`;

function node(name: string, cidrs: readonly string[] = [], labels: object = {}): object {
  return { metadata: { name, labels }, spec: cidrs.length === 0 ? {} : { podCIDR: cidrs[0], podCIDRs: cidrs }, status: {} };
}

const FOUR: readonly ClusterCidr[] = [{ cidr: "10.244.0.0/22", maskSize: 24 }];

describe("ranges for nodes", () => {
  test("each gets one, none twice, and what nodes have already is left out", () => {
    const transcript = new Transcript(nodeIpamController(FOUR))
      .put(NodeKind, node("a"))
      .put(NodeKind, node("b"))
      .put(NodeKind, node("old", ["10.244.1.0/24"]));
    expect(transcript.decide()).toEqual([given("a", "10.244.0.0/24"), given("b", "10.244.2.0/24")]);
  });

  test("what is being given is not given to another before it is seen", () => {
    const transcript = new Transcript(nodeIpamController(FOUR)).put(NodeKind, node("a"));
    expect(transcript.decide()).toEqual([given("a", "10.244.0.0/24")]);
    // The write was refused: it is tried with the same.
    expect(transcript.look("nodes/a")).toEqual([given("a", "10.244.0.0/24")]);
    expect(transcript.put(NodeKind, node("b")).decide()).toEqual([given("b", "10.244.1.0/24")]);
    transcript.put(NodeKind, node("a", ["10.244.0.0/24"]));
    expect(transcript.decide()).toEqual([]);
  });

  test("who gets none hears of it, and gets one when one is free", () => {
    const transcript = new Transcript(nodeIpamController([{ cidr: "10.0.0.0/24", maskSize: 25 }]));
    for (const name of ["a", "b", "c"]) transcript.put(NodeKind, node(name));
    expect(transcript.decide()).toEqual([given("a", "10.0.0.0/25"), given("b", "10.0.0.128/25"), none("c")]);
    transcript.put(NodeKind, node("a", ["10.0.0.0/25"])).remove(NodeKind, "a");
    expect(transcript.decide()).toEqual([given("c", "10.0.0.0/25")]);
  });

  test("what was given back is not given out again as long as there is another", () => {
    const transcript = new Transcript(nodeIpamController(FOUR)).put(NodeKind, node("a", []));
    transcript.decide();
    transcript
      .put(NodeKind, node("a", ["10.244.0.0/24"]))
      .remove(NodeKind, "a")
      .put(NodeKind, node("b"));
    expect(transcript.decide()).toEqual([given("b", "10.244.1.0/24")]);
  });

  test("without any, machines with hollow pods get one of the hollow, and nobody else does", () => {
    const machine = { "troupe.dev/machine": "hollow" };
    const transcript = new Transcript(nodeIpamController([]))
      .put(NodeKind, node("node-0", ["10.128.0.0/24"], { "troupe.dev/runtime": "hollow" }))
      .put(NodeKind, node("a", [], machine))
      .put(NodeKind, node("b", [], machine))
      .put(NodeKind, node("real", [], { "troupe.dev/machine": "process" }))
      .put(NodeKind, node("kubelet"));
    expect(transcript.decide()).toEqual([given("a", "10.128.1.0/24"), given("b", "10.128.2.0/24")]);
    // The write was refused: it is tried with the same.
    expect(transcript.look("nodes/a")).toEqual([given("a", "10.128.1.0/24")]);
    transcript.put(NodeKind, node("a", ["10.128.1.0/24"], machine)).remove(NodeKind, "b");
    expect(transcript.put(NodeKind, node("c", [], machine)).decide()).toEqual([given("c", "10.128.2.0/24")]);
  });

  test("machines that have joined get theirs out of a part of their own where pods have a network, until there is none left", () => {
    const transcript = new Transcript(nodeIpamController([], "10.244.128.0/23"));
    for (const [name, runtime] of Object.entries({ a: "sandbox", b: "cri", c: "process", d: "sandbox" }))
      transcript.put(NodeKind, node(name, [], { "troupe.dev/machine": runtime }));
    transcript.put(NodeKind, node("e"));
    expect(transcript.decide()).toEqual([given("a", "10.244.128.0/24"), given("b", "10.244.129.0/24"), none("d")]);
  });

  test("of both families, or of none", () => {
    const transcript = new Transcript(
      nodeIpamController([
        { cidr: "10.0.0.0/24", maskSize: 24 },
        { cidr: "fd00:10::/56", maskSize: 64 },
      ]),
    );
    transcript.put(NodeKind, node("a")).put(NodeKind, node("b"));
    expect(transcript.decide()).toEqual([given("a", "10.0.0.0/24", "fd00:10::/64"), none("b")]);
  });

  test("none to nodes that are played here, and none at all where nobody asked for it", () => {
    const played = node("a", [], { "troupe.dev/runtime": "hollow" });
    expect(new Transcript(nodeIpamController(FOUR)).put(NodeKind, played).decide()).toEqual([]);
    expect(new Transcript(nodeIpamController([])).put(NodeKind, node("a")).decide()).toEqual([]);
  });
});

describe("NodeCidrs", () => {
  const all = (cidrs: NodeCidrs): string[] => Array.from({ length: 300 }, () => cidrs.take()).filter((cidr) => cidr !== undefined);

  test.each([
    ["127.123.234.0/28", 30, ["127.123.234.0/30", "127.123.234.4/30", "127.123.234.8/30", "127.123.234.12/30"]],
    ["10.1.2.3/16", 17, ["10.1.0.0/17", "10.1.128.0/17"]],
    ["beef:1234::/30", 32, ["beef:1234::/32", "beef:1235::/32", "beef:1236::/32", "beef:1237::/32"]],
    ["10.0.0.0/24", 24, ["10.0.0.0/24"]],
  ])("%s in pieces of /%i", (cidr, maskSize, pieces) => {
    expect(all(new NodeCidrs(cidr, maskSize))).toEqual(pieces);
  });

  test.each([
    ["one piece", ["10.0.1.0/24"], ["10.0.0.0/24", "10.0.2.0/24", "10.0.3.0/24"]],
    ["part of a piece", ["10.0.1.16/28"], ["10.0.0.0/24", "10.0.2.0/24", "10.0.3.0/24"]],
    ["several pieces", ["10.0.2.0/23"], ["10.0.0.0/24", "10.0.1.0/24"]],
    ["more than there is", ["10.0.0.0/8"], []],
    ["what lies before and behind", ["9.255.255.0/24", "10.0.4.0/24"], ["10.0.0.0/24", "10.0.1.0/24", "10.0.2.0/24", "10.0.3.0/24"]],
    ["another family", ["fd00::/8"], ["10.0.0.0/24", "10.0.1.0/24", "10.0.2.0/24", "10.0.3.0/24"]],
    ["the same twice", ["10.0.3.0/24", "10.0.3.0/24"], ["10.0.0.0/24", "10.0.1.0/24", "10.0.2.0/24"]],
  ])("taken: %s", (_what, taken, left) => {
    const cidrs = new NodeCidrs("10.0.0.0/22", 24);
    for (const cidr of taken) cidrs.occupy(cidr);
    expect(all(cidrs)).toEqual(left);
    for (const cidr of ["10.0.0.0/22"]) cidrs.release(cidr);
    expect(all(cidrs)).toHaveLength(4);
  });

  test.each([
    ["10.0.0.0/16", 8, "pieces of /8 cannot be cut out of 10.0.0.0/16"],
    ["10.0.0.0/16", 33, "pieces of /33 cannot be cut out of 10.0.0.0/16"],
    ["fd00::/32", 64, "fd00::/32 has more than 2^16 pieces of /64"],
  ])("%s is not cut into /%i", (cidr, maskSize, why) => {
    expect(() => new NodeCidrs(cidr, maskSize)).toThrow(why);
  });
});
