import { stripVTControlCharacters } from "node:util";
import { describe, expect, test } from "vitest";
import type { Node, Pod } from "../../../actors/kinds/generated/types.ts";
import { WrongUsage } from "../../../cluster/command-line/wrong-usage.ts";
import { nodeFacts, podFacts } from "../../../cluster/top/facts.ts";
import { parseTopFlags } from "../../../cluster/top/flags.ts";
import { pictureOf, type Seen } from "../../../cluster/top/picture.ts";
import { FRAME_LINES, screenLines } from "../../../cluster/top/screen.ts";
import { begin, pressed, type TopState } from "../../../cluster/top/state.ts";

const NOW_MS = Date.parse("2026-01-01T01:00:00Z");

function node(name: string, status: "True" | "False" = "True"): Node {
  return {
    metadata: { name, uid: name, creationTimestamp: "2026-01-01T00:00:00Z", labels: { "topology.kubernetes.io/zone": "z" } },
    status: { conditions: [{ type: "Ready", status }], allocatable: { cpu: "4", memory: "8Gi", pods: "110" } },
  } as unknown as Node;
}

function pod(name: string, on: string, more: object = {}): Pod {
  return {
    metadata: { name, namespace: "shop", uid: name, creationTimestamp: "2026-01-01T00:59:15Z" },
    spec: { nodeName: on, containers: [{ name: "c", resources: { requests: { cpu: "1500m", memory: "2Gi" } } }] },
    status: { phase: "Running", containerStatuses: [{ ready: true, restartCount: 0 }], ...more },
  } as unknown as Pod;
}

const crashing = { containerStatuses: [{ ready: false, restartCount: 7, state: { waiting: { reason: "CrashLoopBackOff" } } }] };
const SEEN: Seen = {
  nodes: [node("node-2"), node("node-10"), node("node-1", "False")].map(nodeFacts),
  pods: [pod("a", "node-10"), pod("b", "node-10", crashing), pod("c", "node-2"), pod("done", "node-2", { phase: "Succeeded" })].map(
    podFacts,
  ),
  actors: { hosts: [{ host: "all", active: 12, messages_per_s: 34.5 }], kinds: [], actors: [] },
};

function shown(state: TopState, rows = 10, columns = 100): readonly string[] {
  return screenLines(pictureOf(SEEN, state), state, rows, columns, NOW_MS).map((line) => stripVTControlCharacters(line).trimEnd());
}

describe("what is shown", () => {
  test("of nodes: what pods that run ask for, the fullest first, and node-2 before node-10 where they are alike", () => {
    expect(shown(begin("nodes"))).toEqual([
      "nodes   2 of 3 Ready    actors 12 on 1 host, 35 messages/s",
      "pods    4: 2 Running, 1 CrashLoopBackOff, 1 Succeeded",
      "cpu     [#########...............] 37%    memory [######..................] 25%    of what nodes hav",
      "",
      "NODE     STATUS    ZONE   PODS  CPU  MEMORY  AGE",
      "node-10  Ready     z     2/110  75%     50%  60m",
      "node-2   Ready     z     1/110  38%     25%  60m",
      "node-1   NotReady  z     0/110   0%      0%  60m",
      "",
      "[nodes] pods actors  n p a or Tab  s: sort (cpu)  r: reverse  arrows  q: quit",
    ]);
  });

  test("of pods: who restarted most first", () => {
    expect(shown(begin("pods")).slice(4, 7)).toEqual([
      "POD        READY  STATUS            RESTARTS    CPU   MEMORY  AGE  NODE",
      "shop/b       0/1  CrashLoopBackOff         7  1500m  2.0 GiB  45s  node-10",
      "shop/a       1/1  Running                  0  1500m  2.0 GiB  45s  node-10",
    ]);
  });

  test("fits the terminal, whatever its size", () => {
    for (const view of ["nodes", "pods", "actors"] as const) {
      const lines = shown(begin(view), 2, 30);
      expect(lines.length).toBeLessThanOrEqual(2 + FRAME_LINES);
      for (const line of lines) expect(line.length).toBeLessThanOrEqual(30);
    }
  });
});

describe("keys", () => {
  const pressing = (keys: readonly string[], from = begin("nodes")): TopState | undefined =>
    keys.reduce<TopState | undefined>((state, key) => state && pressed(state, key, 2, 3), from);

  test("switch views, sort, reverse and move within the rows there are", () => {
    expect(pressing(["p"])).toMatchObject({ view: "pods", offset: 0 });
    expect(pressing(["\t", "\t"])).toMatchObject({ view: "actors" });
    expect(pressing(["\x1b[B", "\x1b[B", "j"])).toMatchObject({ offset: 1 });
    expect(pressing(["G", "\x1b[A", "k"])).toMatchObject({ offset: 0 });
    expect(pressing(["x", "__proto__"])).toEqual(begin("nodes"));
    const state = pressing(["s", "r"]);
    expect(state && shown(state).at(-1)).toContain("s: sort (memory, reversed)");
    expect(state && shown(state)[5]).toMatch(/^node-1 /);
  });

  test.each(["q", "\x03"])("%j quits", (key) => {
    expect(pressed(begin("pods"), key, 2, 3)).toBeUndefined();
  });
});

test.each([
  ["--view trees", "--view trees is none of nodes, pods, actors"],
  ["--interval 0", "--interval 0 is not a number of seconds from 0.1 to 3600"],
])("refuses %s", (line, words) => {
  expect(() => parseTopFlags(line.split(" "))).toThrow(new WrongUsage(words));
});
