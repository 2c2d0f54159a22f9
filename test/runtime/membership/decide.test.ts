import { expect, test } from "vitest";
import { decide, type MembershipEvent, type MembershipState, newMembershipState } from "../../../runtime/membership/decide.ts";
import type { Lease, MemberRow, Table } from "../../../runtime/membership/table.ts";

const LEASE_MS = 5_000;
const MARGIN_MS = 1_000;
const RENEW_MS = 1_000;

const row = (host: string, incarnation: number, process = `p-${host}`): MemberRow => ({ host, kinds: ["count"], incarnation, process });
const table = (version: number, ...members: MemberRow[]): Table => ({ version, members, pins: {} });
const renewal = (incarnation: number, applied: number, sent_ms = 0, holding: Lease[] | string[] = []): Lease => ({
  incarnation,
  sent_ms,
  applied,
  holding: holding as [],
});

/** A host `a`, and what it decides; each line is one thing to be done, the same word for the same thing. */
function host(isGone: (row: MemberRow) => boolean = () => false) {
  const state: MembershipState = newMembershipState({
    host: "a",
    kinds: ["count"],
    process: "p-a",
    lease_ms: LEASE_MS,
    margin_ms: MARGIN_MS,
    renew_ms: RENEW_MS,
    retry_ms: 200,
    isGone,
  });
  const happens = (now_ms: number, event: MembershipEvent): string[] =>
    decide(state, event, now_ms).map((action): string => {
      switch (action.type) {
        case "write":
          return `write ${action.register} expecting ${action.expected}: ${textOf(action.value)}`;
        case "apply":
          return `apply ${action.table.version} as ${action.incarnation}`;
        case "lease":
          return `lease until ${action.until_ms}`;
        case "settled":
          return `settled ${action.version}`;
        case "held":
          return `held ${action.addresses.join(" ")}`;
        case "suspected":
          return `suspects ${action.host}`;
        case "fence":
          return `fence ${action.incarnation}`;
        default:
          return action.type;
      }
    });
  const changed = (now_ms: number, register: string, revision: number, value: unknown): string[] =>
    happens(now_ms, { type: "changed", entry: { register, revision, value } });
  const written = (now_ms: number, register: string, outcome: "done" | "refused" | "unknown" = "done"): string[] =>
    happens(now_ms, { type: "written", register, done: outcome === "unknown" ? undefined : outcome === "done" });
  return { happens, changed, written };
}

function textOf(value: Table | Lease): string {
  if ("version" in value)
    return `${value.version} ${value.members.map((one) => `${one.host}#${one.incarnation}${one.kinds.length === 0 ? " empty" : ""}`).join(", ")}`;
  return "revoked" in value ? `#${value.incarnation} revoked` : `#${value.incarnation} applied ${value.applied} holding [${value.holding}]`;
}

/** A host that has joined, at time 0, beside one `b` that is there already; both agree on version 2. */
function member(isGone?: (row: MemberRow) => boolean) {
  const a = host(isGone);
  a.happens(0, { type: "wished", wish: "in" });
  a.changed(0, "table", 1, table(1, row("b", 1)));
  a.changed(0, "lease.b", 2, renewal(1, 1));
  const joining = a.happens(0, { type: "current" });
  a.written(0, "table");
  const joined = a.changed(0, "table", 3, table(2, row("b", 1), row("a", 2)));
  const applied = a.happens(0, { type: "applied", version: 2, holding: [] });
  a.written(0, "lease.a");
  const leased = a.changed(0, "lease.a", 4, renewal(2, 2, 0));
  const settled = a.changed(0, "lease.b", 5, renewal(1, 2));
  return { ...a, transcript: [joining, joined, applied, leased, settled] };
}

test("joining: into the table, apply, renew, lease, and settled when the others have applied it too", () => {
  expect(member().transcript).toEqual([
    ["write table expecting 1: 2 b#1, a#2"],
    ["apply 2 as 2"],
    ["write lease.a expecting 0: #2 applied 2 holding []"],
    [`lease until ${LEASE_MS}`],
    ["settled 2"],
  ]);
});

test("nothing is decided before the watch has told all there is", () => {
  const a = host();
  expect(a.happens(0, { type: "wished", wish: "in" })).toEqual([]);
  expect(a.happens(10_000, { type: "tick" })).toEqual([]);
  expect(a.happens(10_000, { type: "current" })).toEqual(["write table expecting 0: 1 a#1"]);
});

test("a write that was refused or lost is tried again after a pause, or as soon as the register is known to have changed", () => {
  const a = host();
  a.happens(0, { type: "wished", wish: "in" });
  a.happens(0, { type: "current" });
  expect(a.written(0, "table", "unknown")).toEqual([]);
  expect(a.happens(199, { type: "tick" })).toEqual([]);
  expect(a.happens(200, { type: "tick" })).toEqual(["write table expecting 0: 1 a#1"]);
  expect(a.written(201, "table", "refused")).toEqual([]);
  expect(a.changed(202, "table", 7, table(1, row("b", 1)))).toEqual(["write table expecting 7: 2 b#1, a#2"]);
});

test("the lease counts from the sending of the renewal that came back, not from its coming", () => {
  const a = member();
  expect(a.happens(999, { type: "tick" })).toEqual([]);
  expect(a.happens(1_000, { type: "tick" })).toEqual(["write lease.a expecting 4: #2 applied 2 holding []"]);
  expect(a.written(3_000, "lease.a")).toEqual([]);
  expect(a.happens(3_500, { type: "tick" }), "none goes out before the last has come back").toEqual([]);
  expect(a.changed(4_000, "lease.a", 6, renewal(2, 2, 1_000))).toEqual([
    "lease until 6000",
    "write lease.a expecting 6: #2 applied 2 holding []",
  ]);
});

test("a renewal whose outcome was unknown and that arrives late gives no more than it is worth", () => {
  const a = member();
  a.happens(1_000, { type: "tick" });
  a.written(2_000, "lease.a", "unknown");
  expect(a.happens(2_200, { type: "tick" })).toEqual(["write lease.a expecting 4: #2 applied 2 holding []"]);
  expect(a.changed(2_300, "lease.a", 6, renewal(2, 2, 1_000)), "the first of the two").toEqual(["lease until 6000"]);
});

test("another is revoked when it was silent for its lease and the margin, then removed; both expect what was heard last", () => {
  const a = member();
  let now_ms = 0;
  let revision = 10;
  for (; now_ms < LEASE_MS + MARGIN_MS - RENEW_MS; ) {
    now_ms += RENEW_MS;
    expect(a.happens(now_ms, { type: "tick" }).filter((line) => !line.startsWith("write lease.a"))).toEqual([]);
    a.written(now_ms, "lease.a");
    a.changed(now_ms, "lease.a", revision++, renewal(2, 2, now_ms));
  }
  now_ms += RENEW_MS;
  expect(a.happens(now_ms, { type: "tick" })).toContain("write lease.b expecting 5: #1 revoked");
  a.written(now_ms, "lease.b");
  expect(a.changed(now_ms, "lease.b", 99, { incarnation: 1, revoked: true })).toEqual(["write table expecting 3: 3 a#2"]);
});

test("who could not renew itself does not take the others' silence for death", () => {
  const a = member();
  a.happens(1_000, { type: "tick" });
  a.written(2_000, "lease.a", "unknown");
  expect(a.happens(60_000, { type: "tick" }), "only its own lease").toEqual(["write lease.a expecting 4: #2 applied 2 holding []"]);
  a.written(60_000, "lease.a");
  expect(a.changed(60_001, "lease.a", 6, renewal(2, 2, 60_000))).toEqual(["lease until 65000"]);
  expect(a.happens(60_500, { type: "tick" })).toEqual([]);
});

test.each([
  ["its lease was revoked", "lease.a", { incarnation: 2, revoked: true }],
  ["it is not in the table", "table", table(3, row("b", 1))],
  ["another incarnation of it is in the table", "table", table(3, row("b", 1), row("a", 3, "another"))],
])("a host is fenced when %s, and joins anew when its activations have ended", (_why, register, value) => {
  const a = member();
  expect(a.changed(9_000, register, 7, value)).toEqual(["fence 2"]);
  expect(a.happens(9_100, { type: "tick" })).toEqual([]);
  const again = a.happens(9_200, { type: "ended" });
  if (typeof value === "object" && "version" in value && value.members.length === 2) expect(again, "somebody has its name").toEqual([]);
  else expect(again).toEqual([expect.stringMatching(/^write table expecting (3|7): (3|4) b#1, a#(3|4)$/)]);
});

test("what others hold is told, and a member that applied another version has not agreed", () => {
  const a = member();
  expect(a.changed(100, "table", 6, table(3, row("b", 1), row("a", 2), row("c", 3)))).toEqual(["apply 3 as 2"]);
  expect(a.happens(100, { type: "applied", version: 3, holding: [] })).toEqual(["write lease.a expecting 4: #2 applied 3 holding []"]);
  expect(a.changed(101, "lease.b", 7, renewal(1, 3, 0, ["count/x"]))).toEqual(["held count/x"]);
  expect(a.changed(102, "lease.c", 8, renewal(3, 4))).toEqual([]);
  expect(a.changed(103, "lease.c", 9, renewal(3, 3))).toEqual(["settled 3"]);
  expect(a.changed(104, "lease.b", 10, renewal(1, 3, 0))).toEqual(["held "]);
});

test("leaving in good order: first a row without kinds, then none", () => {
  const a = member();
  expect(a.happens(100, { type: "wished", wish: "emptied" })).toEqual(["write table expecting 3: 3 b#1, a#2 empty"]);
  a.written(101, "table");
  expect(a.changed(101, "table", 6, table(3, row("b", 1), { ...row("a", 2), kinds: [] }))).toEqual(["apply 3 as 2"]);
  expect(a.happens(102, { type: "wished", wish: "out" })).toEqual(["write table expecting 6: 4 b#1"]);
  a.written(103, "table");
  expect(a.changed(103, "table", 7, table(4, row("b", 1)))).toEqual(["left"]);
});

test("rows that are known to be of the dead go with the joining, without waiting", () => {
  const a = host(({ process }) => process === "former");
  a.happens(0, { type: "wished", wish: "in" });
  a.changed(0, "table", 4, table(4, row("a", 3, "former"), row("b", 4, "former"), row("c", 2)));
  expect(a.happens(0, { type: "current" })).toEqual(["write table expecting 4: 5 c#2, a#5"]);
});
