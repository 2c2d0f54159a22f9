import { expect, test } from "vitest";
import { createStoreClient } from "../../../actors/store/client.ts";
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
