import { describe, expect, onTestFinished, test, vi } from "vitest";
import { encodeObject, type ObjectText } from "../../../actors/kinds/text.ts";
import { MemoryLog } from "../../../actors/store/memory-log.ts";
import { StoredEntry } from "../../../actors/store/stored-entry.ts";
import { Template, TextTemplates } from "../../../actors/store/text-templates.ts";
import { seededRandom, systemClock } from "../../../runtime/mod.ts";
import { startStore } from "./harness.ts";

/** Words that a text may have between quotes, or with quotes in it. */
const WORDS = ["", "x", 'say "so"', "back\\", '\\"', "größer", "猫🐈", "a".repeat(300), "{}", "\u0001", ","];

function pod(name: string, node: string, more: object = {}): ObjectText {
  const metadata = { name, namespace: "d", uid: `uid of ${name}`, labels: { app: "web", note: "n".repeat(400) } };
  return encodeObject({ metadata, spec: { nodeName: node, priority: 0 }, status: { phase: "Running" }, ...more } as never);
}

describe("texts are taken apart", () => {
  test("into what siblings have in common and what is their own", () => {
    const templates = new TextTemplates();
    expect(templates.takeApart("pods/d/web-1", pod("web-1", "node-1"))).toBeUndefined();
    const text = pod("web-22", "node-7");
    const apart = templates.takeApart("pods/d/web-22", text);
    expect(apart?.own).toBe('web-22"uid of web-22"node-7');
    expect(apart?.template.textWith(apart.own)).toBe(text);
    expect(templates.takeApart("pods/d/web-3", pod("web-3", "node-1"))).toEqual({
      template: apart?.template,
      own: 'web-3"uid of web-3"node-1',
    });
  });

  test("with a wider template when they differ in more, and another one when they look otherwise", () => {
    const templates = new TextTemplates();
    const take = (name: string, text: ObjectText) => templates.takeApart(`pods/d/${name}`, text);
    const phase = (is: string) => ({ status: { phase: is } });
    take("web-1", pod("web-1", "a"));
    const running = take("web-2", pod("web-2", "b"));
    const failed = take("web-3", pod("web-3", "c", phase("Failed")));
    expect(failed?.own).toBe('web-3"uid of web-3"c"Failed');
    const ended = (name: string) => pod(name, "d", { status: { phase: "Failed", reason: "Evicted" } });
    expect(take("web-4", ended("web-4"))).toBeUndefined();
    expect(take("web-5", ended("web-5"))?.own).toBe('web-5"uid of web-5');
    expect(take("web-6", pod("web-6", "e"))?.own).toBe('web-6"uid of web-6"e"Running');
    expect(running?.template.textWith(running.own)).toBe(pod("web-2", "b"));
  });

  test.each<[string, string, ObjectText, ObjectText]>([
    ["without siblings", "pods/d/web", pod("web", "a"), pod("web", "b")],
    ["that are short", "pods/d/web-1", '"name":"web-1"}}' as ObjectText, '"name":"web-2"}}' as ObjectText],
    ["that differ in nearly all", "configmaps/d/c-1", ..."xy".split("").map((x) => pod(x, x.repeat(2_000)))] as never,
    ["that differ in one piece", "configmaps/d/c-1", pod("c", "a"), pod("c", "b")],
  ])("not, %s", (_which, key, one, other) => {
    const templates = new TextTemplates();
    expect([templates.takeApart(key, one), templates.takeApart(key, other)]).toEqual([undefined, undefined]);
  });

  test.each([1, 2, 3])("and put together to the byte, whatever they say: seed %i", (seed) => {
    const random = seededRandom(seed);
    const word = (): string => WORDS[random.below(WORDS.length)] as string;
    const shapes = Array.from({ length: 6 }, () => Array.from({ length: 1 + random.below(20) }, (_, i) => `${word()}${i}`));
    const templates = new TextTemplates();
    let apart = 0;
    for (let i = 0; i < 3_000; i++) {
      const shape = shapes[random.below(shapes.length)] as string[];
      const data = Object.fromEntries(
        shape.map((name) => [name, random.below(6) === 0 ? word() : random.below(9) === 0 ? random.below(99) : "same"]),
      );
      const text = pod(`p-${i}`, word(), { data });
      const taken = templates.takeApart(`pods/d/p-${i}`, text);
      if (taken === undefined) continue;
      apart++;
      expect(taken.template.textWith(taken.own)).toBe(text);
      expect(taken.template.charactersWith(taken.own)).toBe(text.length);
    }
    expect(apart).toBeGreaterThan(300);
  });
});

test("an entry that was taken apart says what it said, to others too", () => {
  const templates = new TextTemplates();
  const [one, two] = ["web-1", "web-2"].map((name) => new StoredEntry(`pods/d/${name}`, 3, pod(name, "a")));
  for (const entry of [one, two]) StoredEntry.takeApart(entry as StoredEntry, templates);
  const said = { key: "pods/d/web-2", revision: 3, text: pod("web-2", "a"), managers: undefined };
  expect(two?.toJSON()).toEqual(said);
  expect(two?.characters).toBe(said.text.length);
  expect(JSON.parse(JSON.stringify(two))).toEqual(JSON.parse(JSON.stringify(said)));
  StoredEntry.putTogether(two as StoredEntry);
  expect(two?.text).toBe(said.text);
});

test("a store that has settled has what was written, before and after changes", async () => {
  const clock = systemClock();
  let passed_ms = 0;
  const store = startStore({ log: new MemoryLog(), clock: { ...clock, monotonic_ms: () => clock.monotonic_ms() + passed_ms } });
  const putTogether = vi.spyOn(Template.prototype, "textWith");
  onTestFinished(() => putTogether.mockRestore());
  const written = new Map<string, string>();
  const write = async (round: number, from: number, to: number): Promise<void> => {
    for (let at = from; at < to; at += 500) {
      const mutations = Array.from({ length: Math.min(500, to - at) }, (_, i) => {
        const key = `pods/d/web-${at + i}`;
        const text = pod(`web-${at + i}`, `node-${round}-${i}`);
        written.set(key, text);
        return round === 0
          ? ({ op: "create", key, text } as const)
          : ({ op: "update", key, text, expect: store.replica.entry(key)?.revision ?? 0 } as const);
      });
      expect(await store.client.propose({ request: `${round} ${at}`, mutations })).toMatchObject({ committed: true });
    }
  };
  await write(0, 0, 6_000);
  passed_ms = 11_000;
  await write(0, 6_000, 8_000);
  const before: (string | undefined)[] = [];
  store.replica.watch("pods", store.replica.revision, (change) => before.push(change.before?.text));
  const then = store.replica.revision;
  const first = [...written.values()].slice(0, 3_000);
  await write(1, 0, 3_000);
  expect(before).toEqual(first);
  expect(putTogether.mock.calls.length).toBe(3_000 - 1);
  expect(new Map(store.replica.list("pods").map(({ key, text }) => [key, text]))).toEqual(written);
  expect(new Set(store.replica.listAt(then, "pods").map(({ text }) => text)).isSupersetOf(new Set(first))).toBe(true);
  await store.stop();
});
