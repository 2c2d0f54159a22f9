import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { lineSplitter } from "../../../bench/driver/line-splitter.ts";
import { parseLine, podLineReader } from "../../../bench/driver/pod-line.ts";

const PREFIX = "density-0a1b2c3d-";

/** Strings that try to look like what the reader looks for. */
const tricky = fc.oneof(
  fc.string(),
  fc.constantFrom(
    '"phase":"Running"',
    '"nodeName":"x"',
    `"name":"${PREFIX}9"`,
    '\\"phase\\":\\"Running',
    "Running",
    `\\","name":"${PREFIX}1`,
  ),
);
const labels = fc.dictionary(fc.stringMatching(/^[a-z]{1,8}\.example\/[a-z]{1,8}$/), tricky, { maxKeys: 3 });

/** A watch event about a pod as any server may print it: keys in any order, fields absent, empty or not yet known to us. */
const event = fc
  .record({
    type: fc.constantFrom("ADDED", "MODIFIED", "DELETED"),
    index: fc.nat({ max: 1e6 }),
    annotations: labels,
    containerName: tricky,
    message: tricky,
    nodeName: fc.option(fc.constantFrom("", "node-1", "Running"), { nil: undefined }),
    phase: fc.option(fc.constantFrom("Pending", "Running", "Failed", ""), { nil: undefined }),
    order: fc.infiniteStream(fc.nat()),
  })
  .map(({ type, index, annotations, containerName, message, nodeName, phase, order }) => {
    const shuffled = (value: Record<string, unknown>): Record<string, unknown> =>
      Object.fromEntries(
        Object.entries(value)
          .filter(([, each]) => each !== undefined)
          .map((entry) => ({ entry, at: order.next().value as number }))
          .sort((left, right) => left.at - right.at)
          .map(({ entry }) => entry),
      );
    const object = shuffled({
      kind: "Pod",
      apiVersion: "v1",
      metadata: shuffled({ name: `${PREFIX}${index}`, annotations, generateName: "x" }),
      spec: shuffled({ nodeName, containers: [shuffled({ name: containerName, image: message })] }),
      status: shuffled({ phase, message, conditions: [{ message }], nominatedNodeName: "other" }),
    });
    return shuffled({ type, object });
  });

describe("the quick reader of watch lines", () => {
  test("sees what parsing sees, in any order of keys and with any spacing", () => {
    const read = podLineReader(PREFIX);
    fc.assert(
      fc.property(event, fc.constantFrom(0, 1), (value, indent) => {
        const line = JSON.stringify(value, null, indent).replaceAll("\n", "");
        expect(read(line)).toEqual(parseLine(line, PREFIX));
      }),
    );
  });

  test.each([
    ["another's pod", { type: "ADDED", object: { metadata: { name: "web-1" }, status: { phase: "Running" } } }, "nothing"],
    ["a bookmark", { type: "BOOKMARK", object: { kind: "Pod", metadata: { resourceVersion: "7" } } }, "nothing"],
    ["the watch's end", { type: "ERROR", object: { kind: "Status", code: 410, reason: "Expired" } }, "error"],
    [
      "a running pod",
      { type: "MODIFIED", object: { metadata: { name: `${PREFIX}7` }, spec: { nodeName: "a" }, status: { phase: "Running" } } },
      { name: `${PREFIX}7`, scheduled: true, running: true },
    ],
  ])("%s", (_what, value, seen) => {
    expect(podLineReader(PREFIX)(JSON.stringify(value))).toEqual(seen);
  });
});

test("lines come out whole however the bytes are cut", () => {
  fc.assert(
    fc.property(fc.array(fc.stringMatching(/^[ -~]{1,40}$/)), fc.array(fc.nat({ max: 60 })), (lines, cuts) => {
      const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(""));
      const out: string[] = [];
      const push = lineSplitter((line) => out.push(line));
      let at = 0;
      for (const cut of cuts) {
        push(bytes.subarray(at, at + cut));
        at = Math.min(bytes.length, at + cut);
      }
      push(bytes.subarray(at));
      expect(out).toEqual(lines);
    }),
  );
});
