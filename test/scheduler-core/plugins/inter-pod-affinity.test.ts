import { describe, expect, it } from "vitest";
import type { PeerFacts } from "../../../scheduler-core/mod.ts";
import { interPodAffinity } from "../../../scheduler-core/plugins/inter-pod-affinity.ts";
import { type Cast, near, pod, Stage } from "./neighbours.ts";

const AFFINITY = "node(s) didn't match pod affinity rules";
const ANTI = "node(s) didn't match pod anti-affinity rules";
const EXISTING = "node(s) didn't satisfy existing pods anti-affinity rules";
const db = pod({ app: "db" });
const labels = (zone: string, rack?: string) => ({ labels: { zone, ...(rack === undefined ? {} : { rack }) } });
const cast = (...onA: PeerFacts[]): Cast => ({ a: { ...labels("z1", "r1"), pods: onA }, b: labels("z1", "r2"), c: labels("z2"), d: {} });

describe("InterPodAffinity filters", () => {
  it.each<[string, Cast, PeerFacts, Record<string, string>]>([
    ["affinity by zone", cast(db), pod({}, { affinity: [near("db")] }), { a: "", b: "", c: AFFINITY, d: AFFINITY }],
    ["affinity by rack", cast(db), pod({}, { affinity: [near("db", "rack")] }), { a: "", b: AFFINITY, c: AFFINITY, d: AFFINITY }],
    ["nobody there", cast(), pod({}, { affinity: [near("db")] }), { a: AFFINITY, b: AFFINITY, c: AFFINITY, d: AFFINITY }],
    ["the first of its group", cast(), pod({ app: "db" }, { affinity: [near("db")] }), { a: "", b: "", c: "", d: AFFINITY }],
    ["the second of its group", cast(db), pod({ app: "db" }, { affinity: [near("db")] }), { a: "", b: "", c: AFFINITY, d: AFFINITY }],
    [
      "one pod must match all terms",
      cast(db, pod({ tier: "x" })),
      pod(
        {},
        {
          affinity: [
            near("db"),
            { ...near("db"), selector: { ...near("db").selector, labels: [{ key: "tier", operator: "Exists", values: [] }] } },
          ],
        },
      ),
      { a: AFFINITY, b: AFFINITY, c: AFFINITY, d: AFFINITY },
    ],
    ["anti-affinity by zone", cast(db), pod({}, { antiAffinity: [near("db")] }), { a: ANTI, b: ANTI, c: "", d: "" }],
    ["another namespace", cast(db), pod({}, { antiAffinity: [near("db", "zone", ["e"])] }), { a: "", b: "", c: "", d: "" }],
    [
      "anti-affinity of those there",
      cast(pod({}, { antiAffinity: [near("web", "rack")] })),
      pod({ app: "web" }),
      { a: EXISTING, b: "", c: "", d: "" },
    ],
    ["those there mean others", cast(pod({}, { antiAffinity: [near("web")] })), db, { a: "", b: "", c: "", d: "" }],
    [
      "a pod that is being deleted still counts",
      cast(pod({ app: "db" }, { isTerminating: true })),
      pod({}, { antiAffinity: [near("db")] }),
      { a: ANTI, b: ANTI, c: "", d: "" },
    ],
  ])("%s", (_, there, incoming, verdicts) => {
    expect(new Stage(there).verdicts(interPodAffinity, incoming)).toEqual(verdicts);
  });

  it("follows the labels of namespaces", () => {
    const term = near("db");
    const selector = { ...term.selector, namespaces: [], namespaceLabels: [{ key: "team", operator: "In" as const, values: ["blue"] }] };
    const incoming = pod({}, { antiAffinity: [{ ...term, selector }] });
    const stage = new Stage(cast(db));
    expect(stage.verdicts(interPodAffinity, incoming)).toEqual({ a: "", b: "", c: "", d: "" });
    stage.inventory.setNamespace("d", { team: "blue" });
    expect(stage.verdicts(interPodAffinity, incoming)).toEqual({ a: ANTI, b: ANTI, c: "", d: "" });
    stage.inventory.setNamespace("d", {});
    expect(stage.verdicts(interPodAffinity, incoming)).toEqual({ a: "", b: "", c: "", d: "" });
  });

  it("counts pods that were there before anybody asked, and forgets those that leave", () => {
    const stage = new Stage(cast(db, db));
    const incoming = pod({}, { antiAffinity: [near("db")] });
    expect(stage.verdicts(interPodAffinity, incoming).b).toBe(ANTI);
    stage.inventory.leave(0, stage.handle.usage, stage.peer(db));
    expect(stage.verdicts(interPodAffinity, incoming).b).toBe(ANTI);
    stage.inventory.leave(0, stage.handle.usage, stage.peer(db));
    expect(stage.verdicts(interPodAffinity, incoming).b).toBe("");
  });
});

describe("InterPodAffinity scores", () => {
  const wants = (weight: number, app = "db", key = "zone") => ({ weight, term: near(app, key) });
  it.each<[string, Cast, PeerFacts, Record<string, number> | undefined]>([
    ["nobody there: not at all", cast(), pod({}, { preferred: [wants(5)] }), undefined],
    ["no domain to be in: not at all", { d: { pods: [db] } }, pod({}, { preferred: [wants(5)] }), undefined],
    ["a preference", cast(db), pod({}, { preferred: [wants(5)] }), { a: 100, b: 100, c: 0, d: 0 }],
    ["an aversion", cast(db), pod({}, { preferred: [wants(-5)] }), { a: 0, b: 0, c: 100, d: 100 }],
    ["two that add up", cast(db), pod({}, { preferred: [wants(2), wants(1, "db", "rack")] }), { a: 100, b: 66, c: 0, d: 0 }],
    ["a preference of those there", cast(pod({}, { preferred: [wants(9, "web")] })), pod({ app: "web" }), { a: 100, b: 100, c: 0, d: 0 }],
    [
      "required affinity of those there",
      cast(pod({}, { affinity: [near("web", "rack")] })),
      pod({ app: "web" }),
      { a: 100, b: 0, c: 0, d: 0 },
    ],
    [
      "nothing of those there, where these are told not to look and prefer nothing",
      cast(pod({}, { preferred: [wants(9, "web")], affinity: [near("web", "rack")] })),
      pod({ app: "web" }, { ignoresPreferencesOfOthers: true }),
      undefined,
    ],
    [
      "all of those there, where these prefer something themselves",
      cast(pod({ app: "db" }, { preferred: [wants(2, "web", "rack")] })),
      pod({ app: "web" }, { ignoresPreferencesOfOthers: true, preferred: [wants(2)] }),
      { a: 100, b: 50, c: 0, d: 0 },
    ],
    ["what cancels out", cast(db), pod({}, { preferred: [wants(4), wants(-4)] }), { a: 0, b: 0, c: 0, d: 0 }],
  ])("%s", (_, there, incoming, scores) => {
    expect(new Stage(there).scores(interPodAffinity, incoming)).toEqual(scores);
  });
});
