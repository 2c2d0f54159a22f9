import { MessageChannel } from "node:worker_threads";
import { afterEach, expect, test, vi } from "vitest";
import { WINDOW_COST } from "../../runtime/link.ts";
import {
  type AskFailed,
  addressOf,
  Directory,
  Host,
  loopbackNetwork,
  PortTransport,
  systemClock,
  systemRandom,
} from "../../runtime/mod.ts";
import type { Transport } from "../../runtime/transport.ts";
import { kindOf, recordingLog } from "./stage.ts";

type Told = { type: "note"; n: number; body?: string } | { type: "notes" } | { type: "keep" };

const directory = new Directory([
  { host: "back", kinds: ["notes"] },
  { host: "elsewhere", kinds: ["far"] },
]);
const notes = addressOf("notes", "x");
const hosts: Host[] = [];
const clock = systemClock();

afterEach(async () => {
  await Promise.all(hosts.splice(0).map((host) => host.stop()));
});

function hostOn(name: string, transport: Transport): Host {
  const host = new Host({ name, clock, random: systemRandom(), log: recordingLog().log, directory, transport });
  hosts.push(host);
  for (const kind of ["notes", "far"]) {
    host.register(
      kindOf<Told>(
        kind,
        () => {
          const noted: number[] = [];
          return (message, sender) => {
            if (message.type === "note") noted.push(message.n);
            if (message.type === "notes") sender.answer(noted);
          };
        },
        { mailboxCapacity: 1_000_000 },
      ),
    );
  }
  return host;
}

/** Two transports with a channel between them. */
function connected(): { front: PortTransport; back: PortTransport } {
  const front = new PortTransport();
  const back = new PortTransport();
  introduce(front, back);
  return { front, back };
}

function introduce(front: PortTransport, back: PortTransport): void {
  const { port1, port2 } = new MessageChannel();
  front.connect("back", port1);
  back.connect("front", port2);
}

const upTo = (below: number): number[] => Array.from({ length: below }, (_, n) => n);

test("tells and asks between two hosts over ports, in order, beyond the window", async () => {
  const { front, back } = connected();
  const host = hostOn("front", front);
  hostOn("back", back);
  const body = "x".repeat(100_000);
  const many = Math.ceil((WINDOW_COST * 2) / body.length);
  for (let n = 0; n < many; n++) host.messenger.tell(notes, { type: "note", n, body });
  expect(await host.messenger.ask(notes, { type: "notes" })).toEqual(upTo(many));
});

test("what comes before a host listens waits for it", async () => {
  const { front, back } = connected();
  const host = hostOn("front", front);
  const asked = host.messenger.ask(notes, { type: "notes" });
  await new Promise((resolve) => setTimeout(resolve, 5));
  hostOn("back", back);
  expect(await asked).toEqual([]);
});

test("a burst leaves the event loop its turns", async () => {
  const { front, back } = connected();
  const host = hostOn("front", front);
  hostOn("back", back);
  // Small messages, so that a window holds many: some 50,000 of them.
  for (let n = 0; n < 100_000; n++) host.messenger.tell(notes, { type: "note", n });
  let longest_ms = 0;
  let last_ms = performance.now();
  let turns = 0;
  let watching = true;
  const watch = (): void => {
    const now_ms = performance.now();
    longest_ms = Math.max(longest_ms, now_ms - last_ms);
    last_ms = now_ms;
    turns += 1;
    if (watching) setImmediate(watch);
  };
  setImmediate(() => {
    last_ms = performance.now();
    watch();
  });
  expect(((await host.messenger.ask(notes, { type: "notes" })) as number[]).length).toBe(100_000);
  watching = false;
  expect(turns).toBeGreaterThan(5);
  expect(longest_ms, "very generous: other work shares the machine").toBeLessThan(500);
});

test("when the other thread ends its asks fail at once, and its successor is reached by its new port", async () => {
  const { front, back } = connected();
  const host = hostOn("front", front);
  hostOn("back", back);
  expect(await host.messenger.ask(notes, { type: "notes" })).toEqual([]);
  const kept = host.messenger.ask(notes, { type: "keep" }, { deadline_ms: 1_000_000 }).catch((error: AskFailed) => error.code);
  await new Promise((resolve) => setTimeout(resolve, 5));
  await back.close();
  expect(await kept).toBe("unreachable");
  expect(front.reachable("back")).toBe(false);
  expect(await host.messenger.ask(notes, { type: "notes" }).catch((error: AskFailed) => error.code)).toBe("unreachable");
  const anew = new PortTransport();
  introduce(front, anew);
  hostOn("back", anew);
  host.messenger.tell(notes, { type: "note", n: 5 });
  expect(await host.messenger.ask(notes, { type: "notes" })).toEqual([5]);
});

test("a new port for a host that is thought to live takes the place of the old one", async () => {
  const { front, back } = connected();
  const host = hostOn("front", front);
  hostOn("back", back);
  const kept = host.messenger.ask(notes, { type: "keep" }, { deadline_ms: 1_000_000 }).catch((error: AskFailed) => error.code);
  await new Promise((resolve) => setTimeout(resolve, 5));
  const anew = new PortTransport();
  introduce(front, anew);
  hostOn("back", anew);
  expect(await kept).toBe("unreachable");
  await vi.waitFor(async () => expect(await host.messenger.ask(notes, { type: "notes" })).toEqual([]));
});

test("hosts of the same process are reached by ports and all others by the other transport, also when a port is gone", async () => {
  const network = loopbackNetwork();
  const { front, back } = connected();
  const host = hostOn("front", front.beside(network.join("front")));
  hostOn("back", back.beside(network.join("back")));
  hostOn("elsewhere", network.join("elsewhere"));
  expect(await host.messenger.ask(notes, { type: "notes" })).toEqual([]);
  expect(network.frames).toBe(0);
  expect(await host.messenger.ask(addressOf("far", "x"), { type: "notes" })).toEqual([]);
  // The first frames between two hosts bring reports after them.
  expect(await host.messenger.ask(addressOf("far", "x"), { type: "notes" })).toEqual([]);
  const frames = network.frames;
  expect(frames).toBeGreaterThan(0);
  await back.close();
  await vi.waitFor(() => expect(front.reachable("back")).toBe(false));
  expect(await host.messenger.ask(notes, { type: "notes" }).catch((error: AskFailed) => error.code)).toBe("unreachable");
  expect(network.frames).toBe(frames);
});
