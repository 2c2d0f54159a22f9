import { once } from "node:events";
import { mkdir, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { GrpcClient } from "../../../../actors/node/grpc/client.ts";
import { serviceOf } from "../../../../actors/node/grpc/messages.ts";
import { until } from "../../../../cluster/chaos/until.ts";
import { systemClock, virtualClock } from "../../../../runtime/mod.ts";
import { type Listening, listening, offered, Refused } from "./socket.ts";

const ECHO = serviceOf(
  "test.Echo",
  {
    All: {
      text: "1 string",
      flag: "2 bool",
      small: "3 int32",
      large: "4 int64",
      raw: "5 bytes",
      words: "6 repeated string",
      labels: "7 map",
      inner: "17 Inner",
      inners: "18 repeated Inner",
    },
    Inner: { name: "1 string" },
  },
  { Say: ["All", "All"], Refuse: ["Inner", "Inner"], Wait: ["Inner", "Inner"], Count: ["All", "Inner", "stream"] },
);

let server: Listening;
let heardOfTheEnd = false;
let client: GrpcClient<typeof ECHO.messages, typeof ECHO.methods>;
beforeEach(async () => {
  server = await listening([
    offered(ECHO, {
      Say: (all) => all as never,
      Refuse: ({ name }) => {
        throw new Refused("ABORTED", `not now, ${name}`);
      },
      Wait: () => new Promise(() => {}),
      async *Count({ small, flag }, signal) {
        for (let index = 0; index < small; index++) yield { name: String(index) };
        if (flag) throw new Refused("ABORTED", "no more");
        await once(signal, "abort");
        heardOfTheEnd = true;
      },
    }),
  ]);
  client = new GrpcClient(ECHO, server.socket, systemClock());
});
afterEach(async () => {
  client.close();
  await server.close();
});

test("what is sent arrives, and what is not is empty", async () => {
  const all = {
    text: "é",
    flag: true,
    small: -3,
    large: 2 ** 40,
    raw: Buffer.from([1, 0, 2]),
    words: ["a", ""],
    labels: { a: "b" },
    inner: { name: "x" },
    inners: [{ name: "y" }, {}],
  };
  expect(await client.call("Say", all, 5_000)).toEqual({ ...all, inners: [{ name: "y" }, { name: "" }] });
  expect(await client.call("Say", { text: undefined }, 5_000)).toMatchObject({ text: "", words: [], labels: {}, inner: null, large: 0 });
});

test("a refusal has its code, in Go's words", async () => {
  const refused = client.call("Refuse", { name: "you" }, 5_000);
  await expect(refused).rejects.toMatchObject({ code: "Aborted", message: "rpc error: code = Aborted desc = not now, you" });
});

test("who does not answer in time is waited for no more", async () => {
  const clock = virtualClock();
  const slow = new GrpcClient(ECHO, server.socket, clock);
  const call = slow.call("Wait", {}, 1_000);
  await Promise.all([expect(call).rejects.toMatchObject({ code: "DeadlineExceeded" }), clock.run(1_000)]);
  slow.close();
});

test("who wants it no more waits no longer", async () => {
  const over = new AbortController();
  const call = client.call("Wait", {}, undefined, over.signal);
  over.abort();
  await expect(call).rejects.toMatchObject({ code: "Canceled" });
});

test("a stream is followed until it is refused, or wanted no more", async () => {
  const told: string[] = [];
  const refused = (async () => {
    for await (const { name } of client.follow("Count", { small: 2, flag: true }, new AbortController().signal)) told.push(name);
  })();
  await expect(refused).rejects.toMatchObject({ code: "Aborted", description: "no more" });
  expect(told).toEqual(["0", "1"]);
  for await (const _ of client.follow("Count", { small: 1 }, new AbortController().signal)) break;
  await until("that the server has heard of it", () => heardOfTheEnd);
});

test("who is gone and comes back is found by the next client at once", async () => {
  const { socket } = server;
  await server.close();
  await expect(client.call("Say", {}, 5_000)).rejects.toMatchObject({ code: "Unavailable" });
  await mkdir(dirname(socket), { recursive: true });
  server = await listening([offered(ECHO, { Say: (all) => all as never })], socket);
  const next = new GrpcClient(ECHO, socket, systemClock());
  expect((await next.call("Say", { text: "again" }, 5_000)).text).toBe("again");
  next.close();
  await rm(dirname(socket), { recursive: true, force: true });
});
