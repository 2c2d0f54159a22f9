import { describe, expect, test } from "vitest";
import {
  type ActorKind,
  type Address,
  addressOf,
  Directory,
  Host,
  loopbackNetwork,
  type Member,
  type Supervision,
  seededRandom,
  type Timer,
  virtualClock,
} from "../../runtime/mod.ts";
import { kindOf, recordingLog } from "./stage.ts";

type Watching =
  | { type: "watch"; address: Address }
  | { type: "unwatch" }
  | { type: "crash" }
  | { type: "stop" }
  | { type: "ended"; who: Address };
type Watched = { type: "begin" } | { type: "crash" } | { type: "stop" };

const RESTART: Supervision = { strategy: "restart", backoff_ms: 100, backoff_max_ms: 1_000 };
const watcher = addressOf("watcher", "w");
const APART: Member[] = [
  { host: "front", kinds: ["watcher"] },
  { host: "back", kinds: ["watched", "lasting"] },
];
const TOGETHER: Member[] = [{ host: "front", kinds: ["watcher", "watched", "lasting"] }];

/** Hosts `front`, `back` and `spare` on one clock; `watcher/w` notes who ended and when. */
function world(members: Member[]) {
  const clock = virtualClock();
  const network = loopbackNetwork();
  const directory = new Directory(members);
  const heard: string[] = [];
  const lives = (kind: string, supervision: Supervision): ActorKind<Watched> =>
    kindOf<Watched>(
      kind,
      (context) => (message) => {
        if (message.type === "crash") throw new Error("told to");
        if (message.type === "stop") context.stop();
      },
      { supervision },
    );
  const hosts = new Map(
    ["front", "back", "spare"].map((name, seed) => {
      const { log } = recordingLog();
      const host = new Host({ name, clock, random: seededRandom(seed), log, directory, transport: network.join(name) });
      host.register(lives("watched", { strategy: "stop" }));
      host.register(lives("lasting", RESTART));
      host.register(
        kindOf<Watching>(
          "watcher",
          (context) => {
            let watch: Timer | undefined;
            return (message) => {
              if (message.type === "watch") watch = context.watch(message.address, { type: "ended", who: message.address });
              if (message.type === "unwatch") watch?.cancel();
              if (message.type === "stop") context.stop();
              if (message.type === "crash") throw new Error("told to");
              if (message.type === "ended") heard.push(`${message.who} ${clock.monotonic_ms()}`);
            };
          },
          { supervision: RESTART },
        ),
      );
      return [name, host] as const;
    }),
  );
  const front = hosts.get("front");
  if (front === undefined) throw new Error("it was made");
  /** From `front`; what it does is over when this resolves. */
  const tell = async (address: Address, message: Watching | Watched): Promise<void> => {
    front.messenger.tell(address, message);
    await clock.run(0);
  };
  const hostOf = (name: string): Host => hosts.get(name) ?? front;
  return { clock, network, directory, heard, tell, hostOf };
}

describe.each([
  ["on one host", TOGETHER],
  ["on two hosts", APART],
])("%s", (_where, members) => {
  const target = addressOf("watched", "x");
  const lasting = addressOf("lasting", "x");

  test.each(["stop", "crash"] as const)("an actor that ends by a %s is told of once", async (end) => {
    const { clock, heard, tell } = world(members);
    await tell(target, { type: "begin" });
    await tell(watcher, { type: "watch", address: target });
    await clock.run(1_000);
    expect(heard).toEqual([]);
    await tell(target, { type: end });
    expect(heard).toEqual([`${target} 1000`]);
    await tell(target, { type: "begin" });
    await tell(target, { type: end });
    expect(heard.length).toBe(1);
  });

  test("a watch waits for an activation that is still to come", async () => {
    const { heard, tell, hostOf } = world(members);
    await tell(watcher, { type: "watch", address: target });
    expect(heard).toEqual([]);
    expect(hostOf("front").addresses("watched").concat(hostOf("back").addresses("watched"))).toEqual([]);
    await tell(target, { type: "stop" });
    expect(heard.length).toBe(1);
  });

  test("a restart is no end", async () => {
    const { clock, heard, tell } = world(members);
    await tell(watcher, { type: "watch", address: lasting });
    await tell(lasting, { type: "crash" });
    await clock.run(1_000);
    expect(heard).toEqual([]);
    await tell(lasting, { type: "stop" });
    expect(heard.length).toBe(1);
  });

  test("who does not watch any more is not told: unwatched, stopped or restarted", async () => {
    for (const type of ["unwatch", "stop", "crash"] as const) {
      const { clock, heard, tell } = world(members);
      await tell(watcher, { type: "watch", address: target });
      await tell(watcher, { type });
      await clock.run(1_000);
      await tell(target, { type: "stop" });
      await clock.run(1_000);
      expect(heard, type).toEqual([]);
    }
  });

  test("several watches of one actor are told each", async () => {
    const { heard, tell } = world(members);
    for (const key of ["w", "v"]) await tell(addressOf("watcher", key), { type: "watch", address: target });
    await tell(watcher, { type: "watch", address: target });
    await tell(target, { type: "stop" });
    expect(heard.length).toBe(3);
  });

  test("an actor that stopped with messages left has ended, although its address is active again", async () => {
    const { heard, hostOf, clock, tell } = world(members);
    await tell(watcher, { type: "watch", address: target });
    for (const type of ["stop", "begin"] as const) hostOf("front").messenger.tell(target, { type });
    await clock.run(0);
    expect(heard.length).toBe(1);
  });
});

test("a host that stops tells of all its actors", async () => {
  const { clock, heard, tell, hostOf } = world(APART);
  const targets = ["x", "y"].map((key) => addressOf("watched", key));
  for (const address of targets) {
    await tell(address, { type: "begin" });
    await tell(watcher, { type: "watch", address });
  }
  await Promise.all([hostOf("back").stop(), clock.run(0)]);
  expect(heard.toSorted()).toEqual(targets.map((address) => `${address} 0`));
});

test("a host that nobody is at any more has lost its actors", async () => {
  const { network, heard, tell, clock } = world(APART);
  await tell(addressOf("watched", "x"), { type: "begin" });
  await tell(watcher, { type: "watch", address: addressOf("watched", "x") });
  await network.join("back").close();
  await tell(addressOf("watched", "y"), { type: "begin" });
  await clock.run(0);
  expect(heard).toEqual(["watched/x 0"]);
});

test("a host that is no member any more has lost its actors, and a kind that nobody offers has none", async () => {
  const { network, heard, tell, directory, clock } = world(APART);
  await tell(watcher, { type: "watch", address: addressOf("watched", "x") });
  network.cut("back", true);
  directory.update([{ host: "front", kinds: ["watcher"] }]);
  await clock.run(0);
  expect(heard).toEqual(["watched/x 0"]);
  await tell(watcher, { type: "watch", address: addressOf("watched", "z") });
  expect(heard).toEqual(["watched/x 0", "watched/z 0"]);
});

test.each([
  ["from here to another host", TOGETHER, "back"],
  ["from another host to here", APART, "front"],
  ["from one other host to a second", APART, "spare"],
])("a watch follows an address that moves %s, which is no end", async (_what, before, there) => {
  const { heard, tell, directory, clock } = world(before);
  const target = addressOf("watched", "x");
  await tell(target, { type: "begin" });
  await tell(watcher, { type: "watch", address: target });
  const kinds = (host: string): string[] => (host === "front" ? ["watcher"] : ["nothing"]);
  directory.update(["front", "back", "spare"].map((host) => ({ host, kinds: [...kinds(host), ...(host === there ? ["watched"] : [])] })));
  await clock.run(1_000);
  expect(heard).toEqual([]);
  await tell(target, { type: "begin" });
  await tell(target, { type: "stop" });
  expect(heard).toEqual([`${target} 1000`]);
});
