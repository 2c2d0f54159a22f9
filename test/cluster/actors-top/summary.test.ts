import { describe, expect, test } from "vitest";
import { percentile, type Sort, type Summary, summarize } from "../../../cluster/actors-top/summary.ts";
import { tableLines } from "../../../cluster/actors-top/table.ts";
import type { ActorsPage } from "../../../cluster/gateway/actors-page.ts";
import { Histogram, type HistogramCounts } from "../../../runtime/histogram.ts";
import { type Address, Host, type HostSnapshot, silentLogger, virtualClock } from "../../../runtime/mod.ts";
import { seededRandom } from "../../../runtime/virtual.ts";
import { gate, kindOf } from "../../runtime/stage.ts";

type Work = { type: "go" } | { type: "wait" } | { type: "crash" };

/** A host whose `work` actors do as they are told, on virtual time. */
function stage() {
  const clock = virtualClock();
  const host = new Host({ name: "h1", clock, random: seededRandom(1), log: silentLogger });
  const held = gate();
  host.register(
    kindOf<Work>(
      "work",
      () => (message) => {
        if (message.type === "crash") throw new Error("as told\nand more");
        return message.type === "wait" ? held.opened : undefined;
      },
      { supervision: { strategy: "restart", backoff_ms: 10, backoff_max_ms: 10_000 } },
    ),
  );
  host.register(kindOf("rest", () => () => {}));
  const tell = (to: Address, message: Work, times = 1): void => {
    for (let n = 0; n < times; n++) host.messenger.tell(to, message);
  };
  const page = async (): Promise<ActorsPage> => {
    const looking = host.snapshot();
    await clock.run(0);
    return { kind: "ActorList", hosts: [{ host: "h1", said: await looking }] };
  };
  return { clock, host, held, tell, page };
}

const all = (before: ActorsPage, now: ActorsPage, sort: Sort = "messages", kind?: string): Summary =>
  summarize(before, now, { kind, sort });

describe("summarize", () => {
  test("rates are of the time between two looks", async () => {
    const { clock, tell, page } = stage();
    tell("work/a", { type: "go" }, 500);
    await clock.run(1_000);
    const before = await page();
    tell("work/a", { type: "go" }, 20);
    await clock.run(2_000);
    const { hosts, kinds, actors } = all(before, await page());
    expect(hosts).toEqual([{ host: "h1", active: 1, messages_per_s: 10 }]);
    expect(kinds.map(({ kind, messages_per_s }) => [kind, messages_per_s])).toEqual([
      ["work", 10],
      ["rest", 0],
    ]);
    expect(actors).toMatchObject([{ host: "h1", address: "work/a", handled: 520, messages_per_s: 10 }]);
  });

  test("times are of what came between, and undefined of nothing", async () => {
    const { clock, held, tell, page } = stage();
    tell("work/a", { type: "wait" });
    await clock.run(100);
    held.open();
    await clock.run(0);
    const before = await page();
    expect(all({ kind: "ActorList", hosts: [] }, before).kinds[0]?.handler_p99_ms).toBeGreaterThan(50);
    await clock.run(10);
    expect(all(before, await page()).kinds).toMatchObject([
      { kind: "work", mailbox_p50_ms: undefined, handler_p99_ms: undefined },
      { kind: "rest" },
    ]);
  });

  test("what waits and what crashes again and again comes first among the actors", async () => {
    const { clock, tell, page } = stage();
    tell("work/busy", { type: "go" }, 900);
    tell("work/full", { type: "wait" }, 5);
    tell("work/loop", { type: "crash" }, 3);
    await clock.run(25);
    const now = await page();
    const { kinds, actors } = all({ kind: "ActorList", hosts: [] }, now);
    expect(actors.map(({ address }) => address)).toEqual(["work/loop", "work/full", "work/busy"]);
    expect(actors[0]).toMatchObject({ phase: "backoff", error: expect.stringContaining("as told") });
    expect(kinds.find(({ kind }) => kind === "work")).toMatchObject({ active: 3, looping: 1, queued: 5 });
  });

  test("a host that was started anew is counted from its start, one that does not answer is named", async () => {
    const { clock, tell, page } = stage();
    tell("work/a", { type: "go" }, 40);
    await clock.run(4_000);
    const now = await page();
    const [answer] = now.hosts;
    if (answer === undefined || !("said" in answer)) throw new Error("the host answered");
    const later: HostSnapshot = { ...answer.said, taken_ms: 90_000 };
    const summary = all(
      { kind: "ActorList", hosts: [{ host: "h1", said: later }] },
      { kind: "ActorList", hosts: [answer, { host: "h2", failure: "cut off" }] },
    );
    expect(summary.hosts).toEqual([
      { host: "h1", active: 1, messages_per_s: 10 },
      { host: "h2", active: 0, messages_per_s: 0, failure: "cut off" },
    ]);
    expect(tableLines(summary, 0)).toContain("h2 does not answer: cut off");
  });

  test("sorts by any column, and keeps to one kind", async () => {
    const { clock, host, tell, page } = stage();
    tell("work/a", { type: "go" }, 9);
    for (const key of ["a", "b", "c"]) host.messenger.tell(`rest/${key}`, { type: "go" });
    await clock.run(10);
    const now = await page();
    const nothing: ActorsPage = { kind: "ActorList", hosts: [] };
    expect(all(nothing, now, "messages").kinds.map(({ kind }) => kind)).toEqual(["work", "rest"]);
    expect(all(nothing, now, "active").kinds.map(({ kind }) => kind)).toEqual(["rest", "work"]);
    expect(all(nothing, now, "messages", "rest").kinds.map(({ kind }) => kind)).toEqual(["rest"]);
  });
});

describe("percentile", () => {
  const of = (...durations: number[]): HistogramCounts => {
    const histogram = new Histogram();
    for (const ms of durations) histogram.add(ms);
    return histogram.counts();
  };

  test("lies within its bucket, as far as its share", () => {
    const counts = of(...Array.from({ length: 100 }, (_, i) => (i < 90 ? 0.7 : 7)));
    expect(percentile(counts, 0.45)).toBeCloseTo(0.75);
    expect(percentile(counts, 0.5)).toBeGreaterThan(0.5);
    expect(percentile(counts, 0.5)).toBeLessThanOrEqual(1);
    expect(percentile(counts, 0.99)).toBeGreaterThan(5);
    expect(percentile(counts, 0.99)).toBeLessThanOrEqual(7);
  });

  test("is never more than the longest, also beyond the last bound", () => {
    expect(percentile(of(0.001), 0.99)).toBe(0.001);
    expect(percentile(of(25_000), 0.99)).toBeLessThanOrEqual(25_000);
    expect(percentile(of(25_000), 1)).toBe(25_000);
    expect(percentile(of(), 0.5)).toBeUndefined();
  });
});

test("the table: totals, kinds, single actors, cut to the width of the terminal", async () => {
  const { clock, tell, page } = stage();
  const before = await page();
  tell("work/a", { type: "crash" }, 2);
  await clock.run(12);
  await clock.run(988);
  const lines = tableLines(all(before, await page()), 10);
  expect(lines[0]).toBe("1 host, 1 actors, 2.0 messages/s");
  expect(lines[2]).toMatch(/^HOST +KIND +ACTIVE +MSG\/S +QUEUE +WAIT P50 +P99 +TURN P50 +P99 +CRASHES +RESTARTS +LOOPS$/);
  expect(lines[3]).toMatch(/^h1 +work +1 +2\.0 +0 .* 2 +2 +1$/);
  expect(lines.at(-2)).toMatch(/^ACTOR +HOST +PHASE +MSG\/S +QUEUE +HANDLED +CRASHES +LAST ERROR$/);
  expect(lines.at(-1)).toMatch(/^work\/a +h1 +\w+.* 2 +2 +Error: as told$/);
  for (const line of tableLines(all(before, await page()), 10, 40)) expect(line.length).toBeLessThanOrEqual(40);
});
