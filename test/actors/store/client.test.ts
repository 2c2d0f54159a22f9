import { expect, test } from "vitest";
import { createStoreClient } from "../../../actors/store/client.ts";
import { StoreUnavailable } from "../../../actors/store/errors.ts";
import type { Outcome } from "../../../actors/store/transaction.ts";
import type { WriterMessage } from "../../../actors/store/writer.ts";
import { AskFailed, type Message, type Messenger, seededRandom, virtualClock } from "../../../runtime/mod.ts";

test.each(["mailbox-full", "overloaded", "unreachable", "crashed"])("%s: the same request, with its id, is asked again", async (code) => {
  const clock = virtualClock();
  const asked: Message[] = [];
  const outcome = { committed: true };
  const messenger: Messenger = {
    tell() {},
    ask<Answer>(_to: string, message: Message): Promise<Answer> {
      asked.push(message);
      return asked.length < 3 ? Promise.reject(new AskFailed(code, "as told")) : Promise.resolve(outcome as Answer);
    },
  };
  const client = createStoreClient({ messenger, clock, random: seededRandom(1), address: "writer/main", view: { revision: 0 } });
  const proposed = client.propose({ request: "r.1", mutations: [] });
  await clock.run(5_000);
  expect(await proposed).toBe(outcome);
  expect(asked).toHaveLength(3);
  for (const message of asked) expect(message).toMatchObject({ type: "propose", transaction: { request: "r.1" } });
});

test("who insists has an answer in the end, however long there is none: of the same request, and only while it is wanted", async () => {
  const clock = virtualClock();
  const asked: Message[] = [];
  const outcome = { committed: true };
  let isBack = false;
  const messenger: Messenger = {
    tell() {},
    ask<Answer>(_to: string, message: Message): Promise<Answer> {
      asked.push(message);
      return isBack ? Promise.resolve(outcome as Answer) : Promise.reject(new AskFailed("unavailable", "as told"));
    },
  };
  const client = createStoreClient({ messenger, clock, random: seededRandom(1), address: "writer/main", view: { revision: 0 } });
  let isWanted = true;
  const wanted = client.propose({ request: "r.1", mutations: [] }, () => true);
  const unwanted = client.propose({ request: "r.2", mutations: [] }, () => isWanted).catch((error: unknown) => error);
  await clock.run(60_000);
  isWanted = false;
  await clock.run(1_000);
  expect(await unwanted).toBeInstanceOf(StoreUnavailable);
  expect(new Set(asked.map((message) => (message as WriterMessage & { type: "propose" }).transaction.request))).toEqual(
    new Set(["r.1", "r.2"]),
  );
  isBack = true;
  await clock.run(1_000);
  expect(await wanted).toBe(outcome);
});

test.each([
  ["mailbox-full", false],
  ["overloaded", false],
  ["unreachable", true],
  ["deadline", true],
  ["unavailable", true],
  ["stepped-down", false],
])(
  "a conflict that is met after an attempt ended with %s: not known = %s, since that may still come and be applied",
  async (code, unknown) => {
    const clock = virtualClock();
    const conflict: Outcome = { committed: false, index: 0, actual: 7 };
    let asked = 0;
    const messenger: Messenger = {
      tell() {},
      ask<Answer>(): Promise<Answer> {
        return asked++ === 0 ? Promise.reject(new AskFailed(code, "as told")) : Promise.resolve(conflict as Answer);
      },
    };
    const client = createStoreClient({ messenger, clock, random: seededRandom(1), address: "writer/main", view: { revision: 0 } });
    const proposed = client.propose({ request: "r.1", mutations: [] }).catch((error: unknown) => error);
    await clock.run(5_000);
    if (unknown) expect(await proposed).toBeInstanceOf(StoreUnavailable);
    else expect(await proposed).toBe(conflict);
    expect(asked).toBe(2);
  },
);
