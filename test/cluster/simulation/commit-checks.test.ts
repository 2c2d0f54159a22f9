import { beforeEach, describe, expect, test } from "vitest";
import { encodeObject } from "../../../actors/kinds/text.ts";
import type { KubeObject } from "../../../actors/mod.ts";
import type { Finding } from "../../../cluster/simulation/commit-checks.ts";
import { CommitChecks } from "../../../cluster/simulation/commit-checks.ts";
import { Ledger } from "../../../cluster/simulation/ledger.ts";

const MINUTE_MS = 60_000;

let ledger: Ledger;
let checks: CommitChecks;
let at_ms: number;

beforeEach(() => {
  ledger = new Ledger();
  checks = new CommitChecks(ledger, () => false);
  at_ms = 0;
});

/** Commits the object as it is now; without one it is gone. */
function commit(key: string, object?: object): Finding {
  const before = ledger.get(key);
  const op = object === undefined ? "delete" : before === undefined ? "create" : "update";
  const stored = object === undefined ? undefined : { text: encodeObject(object as KubeObject) };
  const committed = ledger.apply({ op, key, revision: ledger.revision + 1, stored, request: undefined } as never, at_ms);
  return committed === undefined ? undefined : checks.check(committed);
}

const metadata = (name: string, more: object = {}): object => ({
  name,
  namespace: "d",
  uid: `uid-${name}`,
  creationTimestamp: "",
  ...more,
});
const GOING = { deletionTimestamp: "2026-01-01T00:00:00Z" };

describe("claims", () => {
  const KEY = "persistentvolumeclaims/d/data-db-1";
  const claim = (...more: readonly object[]): object => ({ metadata: metadata("data-db-1", Object.assign({}, ...more)), spec: {} });
  const owner = (kind: string, name: string): object => ({ ownerReferences: [{ apiVersion: "v1", kind, name, uid: `uid-${name}` }] });
  const set = (replicas: number): object => ({ metadata: metadata("db"), spec: { replicas } });

  beforeEach(() => {
    commit("namespaces/d", { metadata: { name: "d", uid: "d", creationTimestamp: "" } });
    commit("statefulsets.apps/d/db", set(3));
  });

  test("that were made to stay are not deleted, but with their namespace", () => {
    commit(KEY, claim());
    expect(commit(KEY, claim(GOING))).toBe(`${KEY} was made to stay, and is deleted`);
    commit(KEY);
    commit(KEY, claim());
    commit("namespaces/d", { metadata: { name: "d", uid: "d", creationTimestamp: "", ...GOING } });
    expect(commit(KEY, claim(GOING))).toBeUndefined();
  });

  test("of pods that were wanted all the time are not deleted", () => {
    commit(KEY, claim(owner("Pod", "db-1")));
    at_ms += 20 * MINUTE_MS;
    commit("statefulsets.apps/d/db", set(2));
    expect(commit(KEY, claim(owner("Pod", "db-1"), GOING))).toBe(`${KEY} is deleted, and statefulsets.apps/d/db has wanted 2 all the time`);
  });

  test("of pods that were not wanted a moment ago may be deleted", () => {
    commit(KEY, claim(owner("Pod", "db-1")));
    at_ms += 20 * MINUTE_MS;
    commit("statefulsets.apps/d/db", set(1));
    at_ms += MINUTE_MS;
    commit("statefulsets.apps/d/db", set(3));
    expect(commit(KEY, claim(owner("Pod", "db-1"), GOING))).toBeUndefined();
  });

  test("go with their set", () => {
    commit(KEY, claim(owner("StatefulSet", "db")));
    at_ms += 20 * MINUTE_MS;
    commit("statefulsets.apps/d/db");
    expect(commit(KEY, claim(owner("StatefulSet", "db"), GOING))).toBeUndefined();
  });
});

describe("in a zone most of which is down", () => {
  const TAINT = { key: "node.kubernetes.io/unreachable", effect: "NoExecute" };
  const node = (name: string, ready: boolean, taints: readonly object[] = []): object => ({
    metadata: { name, uid: name, creationTimestamp: "", labels: { "topology.kubernetes.io/zone": "z" } },
    spec: { taints },
    status: { conditions: [{ type: "Ready", status: ready ? "True" : "Unknown" }] },
  });
  const NODES = ["a", "b", "c", "d", "e"];
  const down = (...names: readonly string[]): void => {
    for (const name of NODES) commit(`nodes/${name}`, node(name, true));
    for (const name of names) commit(`nodes/${name}`, node(name, false));
  };

  test("no node begins to evict, once it is known", () => {
    down("a", "b", "c");
    at_ms += 30_000;
    expect(commit("nodes/a", node("a", false, [TAINT]))).toBeUndefined();
    at_ms += MINUTE_MS;
    expect(commit("nodes/a", node("a", false, [TAINT]))).toBeUndefined();
    expect(commit("nodes/b", node("b", false, [TAINT]))).toBe("nodes/b evicts its pods, and of z 3 of 5 nodes are down");
  });

  test.each([
    ["two nodes are no outage", ["a", "b"]],
    ["of the whole zone somebody else decides", NODES],
  ])("%s", (_what, names) => {
    down(...names);
    at_ms += 2 * MINUTE_MS;
    expect(commit("nodes/a", node("a", false, [TAINT]))).toBeUndefined();
  });
});

test("a quota does not count pods whose node did not let them go in twice their time", () => {
  const pod = (name: string, more: object = {}): object => ({ metadata: metadata(name, more), spec: { containers: [] } });
  const going = { deletionTimestamp: "2026-01-01T00:01:00Z", deletionGracePeriodSeconds: 30 };
  commit("resourcequotas/d/q", { metadata: metadata("q"), spec: { hard: { pods: "1" } } });
  expect(commit("pods/d/a", pod("a"))).toBeUndefined();
  commit("pods/d/a", pod("a", going));
  at_ms = MINUTE_MS;
  expect(commit("pods/d/b", pod("b"))).toBe("pods/d/b is one of 2, and the quota is 1");
  commit("pods/d/b");
  at_ms = 2 * MINUTE_MS;
  expect(commit("pods/d/b", pod("b"))).toBeUndefined();
});
