import { expect, test } from "vitest";
import { nodeTtlController, ttlFor } from "../../../../actors/controllers/nodes/node-ttl.ts";
import { NodeKind } from "../../../../actors/kinds/core/node.ts";
import { Transcript } from "../transcript.ts";

const node = (name: string, annotations: object = {}, labels: object = {}): object => ({
  metadata: { name, annotations, labels },
  spec: {},
  status: {},
});
const TTL = "node.alpha.kubernetes.io/ttl";

test.each([
  [1, 0],
  [100, 0],
  [101, 15],
  [500, 15],
  [501, 30],
  [1_000, 30],
  [1_001, 60],
  [2_000, 60],
  [2_001, 300],
  [5_000, 300],
])("in a cluster of %i nodes they keep what they read for %i s", (nodes, seconds) => {
  expect(ttlFor(nodes)).toBe(seconds);
});

test("a node is told, once; one that is played here is not", () => {
  const transcript = new Transcript(nodeTtlController)
    .put(NodeKind, node("a"))
    .put(NodeKind, node("played", {}, { "troupe.dev/runtime": "hollow" }));
  expect(transcript.decide()).toEqual([`modify Node/a {"metadata":{"annotations":{"${TTL}":"0"}}}`]);
  expect(transcript.put(NodeKind, node("a", { [TTL]: "0" })).decide()).toEqual([]);
});
