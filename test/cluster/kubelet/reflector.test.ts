import { afterEach, expect, test } from "vitest";
import { PodKind } from "../../../actors/kinds/core/pod.ts";
import { expired, forbidden } from "../../../actors/kinds/errors.ts";
import type { Kind } from "../../../actors/kinds/kind.ts";
import { FollowedObjects } from "../../../cluster/kubelet/followed-objects.ts";
import { type Reflected, Reflector } from "../../../cluster/kubelet/reflector.ts";
import { seededRandom, silentLogger, virtualClock } from "../../../runtime/mod.ts";
import { list, object, ScriptedApi } from "./scripted-api.ts";

const PATH = "/api/v1/pods?fieldSelector=spec.nodeName%3Done";
/** Longer than any pause. */
const PAUSE_MS = 6_000;

const clock = virtualClock();
const objects = new FollowedObjects(silentLogger);
let reflector: Reflector;
afterEach(() => {
  reflector.stop();
  objects.replace("pods", new Map(), () => true);
});

function follow(client: ScriptedApi, special: Partial<Reflected> = {}): void {
  const kind = PodKind as unknown as Kind;
  reflector = new Reflector(
    { client, objects, clock, random: seededRandom(1), log: silentLogger },
    { kind, fieldSelector: "spec.nodeName=one", ...special },
  );
}

const seen = (): readonly string[] => objects.list("pods").map(({ key, revision }) => `${key} ${revision}`);

test("what is listed and what becomes of it is seen, and a watch that ends is asked for again from where it was", async () => {
  const api = new ScriptedApi()
    .answer(list(5, object("a", 3), object("b", 4)))
    .tell(
      { type: "MODIFIED", object: object("a", 6) },
      { type: "DELETED", object: object("b", 7) },
      { type: "ADDED", object: object("c", 8) },
    )
    .tell({ type: "BOOKMARK", object: object("", 20) });
  const told: string[] = [];
  const watching = objects.watch("pods", objects.revision, ({ now, before }) => told.push(`${before?.revision} ${now?.revision}`));
  follow(api);
  await reflector.asked;
  await clock.run(4 * PAUSE_MS);
  watching.cancel();
  expect(seen()).toEqual(["pods/d/a 6", "pods/d/c 8"]);
  expect(told).toEqual(["undefined 3", "undefined 4", "3 6", "4 undefined", "undefined 8"]);
  expect(api.asked).toEqual([`GET ${PATH}`, `WATCH ${PATH} 5`, `WATCH ${PATH} 8`, `WATCH ${PATH} 20`]);
});

test("where the API has forgotten what became of them they are listed again, and what differs is told", async () => {
  const api = new ScriptedApi()
    .answer(list(5, object("a", 3), object("b", 4)))
    .tell({ type: "ERROR", object: expired("too old resource version: 5 (90)").status })
    .answer(list(99, object("b", 4), object("c", 98)));
  follow(api);
  await reflector.asked;
  await clock.run(PAUSE_MS);
  expect(seen()).toEqual(["pods/d/b 4", "pods/d/c 98"]);
  expect(api.asked).toEqual([`GET ${PATH}`, `WATCH ${PATH} 5`, `GET ${PATH}`, `WATCH ${PATH} 99`]);
});

test("a store that was put back from a backup is believed, though its revisions are lower", async () => {
  const api = new ScriptedApi()
    .answer(list(50, object("a", 40)))
    .tell({ type: "ERROR", object: expired("gone").status })
    .answer(list(7, object("a", 6)));
  follow(api);
  await reflector.asked;
  await clock.run(PAUSE_MS);
  expect(seen()).toEqual(["pods/d/a 6"]);
});

test("an API server that is away is waited for, and what was known stays", async () => {
  const api = new ScriptedApi();
  follow(api);
  let listed = false;
  void reflector.asked.then(() => {
    listed = true;
  });
  await clock.run(60_000);
  expect(listed).toBe(false);
  // Less and less often, but never seldom.
  expect(api.asked.length).toBeGreaterThan(12);
  expect(api.asked.length).toBeLessThan(30);
  api.answer(list(5, object("a", 3)));
  await clock.run(PAUSE_MS);
  expect([listed, seen()]).toEqual([true, ["pods/d/a 3"]]);
});

test("what may not be read is asked for again, and nothing is taken for gone because it may not be read for a while", async () => {
  const refused = forbidden({ group: "", plural: "pods" }, "", "no relationship found");
  const api = new ScriptedApi()
    .answer(refused, list(9, object("a", 8)))
    .tell({ type: "ERROR", object: expired("gone").status })
    .answer(refused, refused, list(30, object("a", 20)));
  follow(api);
  let listed = false;
  void reflector.listed.then(() => {
    listed = true;
  });
  await reflector.asked;
  expect([listed, seen()]).toEqual([false, []]);
  const told: (number | undefined)[] = [];
  objects.watch("pods", objects.revision, ({ now }) => told.push(now?.revision));
  await clock.run(4 * PAUSE_MS);
  expect([listed, seen(), told]).toEqual([true, ["pods/d/a 20"], [8, 20]]);
});

test("two that follow a part each keep out of each other's way", async () => {
  const part = (name: string): Partial<Reflected> => ({
    fieldSelector: `metadata.name=${name}`,
    isPart: (key) => key === `pods/d/${name}`,
  });
  follow(new ScriptedApi().answer(list(50, object("b", 40))), part("b"));
  await reflector.asked;
  const other = reflector;
  // Its revisions are behind those of the other, which says nothing of it.
  follow(new ScriptedApi().answer(list(20, object("a", 10))).tell({ type: "MODIFIED", object: object("a", 21) }), part("a"));
  await reflector.asked;
  await clock.run(1);
  expect(seen()).toEqual(["pods/d/a 21", "pods/d/b 40"]);
  other.stop();
});
