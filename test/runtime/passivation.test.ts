import { expect, test } from "vitest";
import { type ActorKind, addressOf, type Context, type Sender } from "../../runtime/mod.ts";
import { gate, kindOf, stage } from "./stage.ts";

type Told =
  | { type: "work" }
  | { type: "set timer"; ms: number }
  | { type: "alarm" }
  | { type: "watch" }
  | { type: "ask" }
  | { type: "hold" }
  | { type: "keep" };

const IDLE_MS = 60_000;
/** The latest moment at which an idle actor rests: twice the time, and the ticks that a wheel may be late. */
const RESTED_MS = 2 * IDLE_MS + 6_000;
const to = addressOf("restful", "x");

function restful(more: Partial<ActorKind<Told>> = { idle_ms: IDLE_MS }) {
  const on = stage();
  const door = gate();
  const kept: Sender[] = [];
  let contexts = 0;
  const kind = kindOf<Told>("restful", (context: Context<Told>) => {
    contexts += 1;
    return (message, sender) => {
      if (message.type === "set timer") context.after(message.ms, { type: "alarm" });
      if (message.type === "watch") context.watch(addressOf("other", "x"), { type: "alarm" });
      if (message.type === "ask")
        void context.ask(addressOf("other", "x"), { type: "keep" }, { deadline_ms: 4 * IDLE_MS }).catch(() => undefined);
      if (message.type === "hold") return door.opened;
      sender.answer(contexts);
      return undefined;
    };
  });
  on.host.register({ ...kind, ...more });
  on.host.register(kindOf<Told>("other", () => (_message, sender) => void kept.push(sender)));
  const tell = (message: Told) => on.host.messenger.tell(to, message);
  const isActive = () => on.host.addresses("restful").length === 1;
  return { ...on, tell, isActive, door, kept };
}

test("an actor with nothing to do is stopped between one and two times its kind's time later, and the next message activates it anew", async () => {
  const { host, clock, tell, isActive } = restful();
  tell({ type: "work" });
  await clock.run(IDLE_MS - 1);
  expect(isActive()).toBe(true);
  await clock.run(RESTED_MS - IDLE_MS);
  expect(isActive()).toBe(false);
  expect(await host.messenger.ask(to, { type: "work" })).toBe(2);
  expect(host.counters().kinds.restful).toMatchObject({ passivations: 1, activations: 2, active: 1, crashes: 0 });
});

test("a kind that names no time never rests", async () => {
  const { clock, tell, isActive } = restful({});
  tell({ type: "work" });
  await clock.run(10 * RESTED_MS);
  expect(isActive()).toBe(true);
});

test("messages keep it awake", async () => {
  const { clock, tell, isActive, host } = restful();
  for (let n = 0; n < 20; n++) {
    tell({ type: "work" });
    await clock.run(IDLE_MS - 2_000);
  }
  expect(isActive()).toBe(true);
  expect(host.counters().activations).toBe(1);
});

test.each<[string, Told]>([
  ["a timer", { type: "set timer", ms: 4 * IDLE_MS }],
  ["a watch", { type: "watch" }],
  ["an ask of its own", { type: "ask" }],
  ["a turn", { type: "hold" }],
])("%s keeps it awake, until it is over", async (_what, message) => {
  const { clock, tell, isActive, door, kept, host } = restful();
  tell(message);
  await clock.run(3 * IDLE_MS);
  expect(isActive()).toBe(true);
  door.open();
  for (const sender of kept) sender.answer("done");
  if (message.type === "watch") await Promise.all([host.stop(), clock.run(0)]);
  await clock.run(IDLE_MS + RESTED_MS);
  expect(isActive()).toBe(false);
});

test("rest is no end: watches of it stay", async () => {
  const { host, clock, tell } = restful();
  const heard: string[] = [];
  host.register(
    kindOf<Told>("observer", (context) => (message) => {
      if (message.type === "watch") context.watch(to, { type: "alarm" });
      else heard.push(message.type);
    }),
  );
  tell({ type: "work" });
  host.messenger.tell(addressOf("observer", "x"), { type: "watch" });
  await clock.run(RESTED_MS);
  expect(host.counters().passivations).toBe(1);
  expect(heard).toEqual([]);
  await Promise.all([host.stop(), clock.run(0)]);
});

test("a host whose resting kinds have no actors sets no timer", async () => {
  const { host, clock, tell } = restful();
  expect(clock.pending()).toBe(0);
  tell({ type: "work" });
  // The last one that was set finds nothing to look at.
  await clock.run(RESTED_MS + IDLE_MS);
  expect(clock.pending()).toBe(0);
  await host.stop();
});
