import { IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";
import { expect, test } from "vitest";
import type { Kind } from "../../../actors/kinds/kind.ts";
import { BUILT_IN_KINDS } from "../../../actors/kinds/kinds.ts";
import { BatchBuilder } from "../../../actors/store/batch-builder.ts";
import { Replica } from "../../../actors/store/replica.ts";
import { selectionOf } from "../../../cluster/gateway/selection.ts";
import { WatchFeed } from "../../../cluster/gateway/watch-feed.ts";
import { Unsent, Watcher } from "../../../cluster/gateway/watcher.ts";
import { silentLogger, virtualClock } from "../../../runtime/mod.ts";

const kind = BUILT_IN_KINDS.find(({ plural }) => plural === "configmaps") as Kind;
const WATCHERS = 500;
const LATER_MS = 20;

test("many watchers are told in turns, so that others come between; who waits longest comes first", async () => {
  const clock = virtualClock();
  const replica = new Replica({ clock, log: silentLogger });
  const feed = new WatchFeed(replica, clock, kind);
  const unsent = new Unsent();
  const responses = Array.from({ length: WATCHERS }, () => new ServerResponse(new IncomingMessage(new Socket())));
  const select = (i: number) => selectionOf(kind, "", { labelSelector: `value=${i}`, fieldSelector: "" });
  const joined = responses.map((response, i) => {
    const watcher = new Watcher(response, unsent, { bookmarks: false, now_ms: 0, protobuf: false });
    return feed.join(watcher, { as: "object", viewVersion: "v1", kind, includeObject: "Metadata" }, select(i), 0, false);
  });
  await Promise.all(joined);
  const told = (): boolean[] => responses.map(({ writableLength }) => writableLength > 0);
  const builder = new BatchBuilder();
  builder.begin(1);
  for (let i = 0; i < WATCHERS; i++) {
    const text = `"name":"c${i}","namespace":"default","labels":{"value":"${i}"}}}` as never;
    builder.add({ request: `r${i}`, mutations: [{ op: "create", key: `configmaps/default/c${i}`, text }] }, Number.MAX_SAFE_INTEGER);
  }
  replica.apply(1, builder.finish());

  const first = told();
  const count = first.filter((each) => each).length;
  expect(count).toBeGreaterThan(0);
  expect(count).toBeLessThan(WATCHERS);
  expect(first.slice(0, count).every((each) => each)).toBe(true);
  clock.advance(LATER_MS);
  expect(told().every((each) => each)).toBe(true);
});
