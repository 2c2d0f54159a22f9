import { expect, test } from "vitest";
import { type Address, addressOf, keyOf, LEASE_MARGIN_MS, LEASE_MS, RENEW_MS } from "../../../runtime/mod.ts";
import { gate, kindOf } from "../stage.ts";
import { addresses, type Cluster, cluster, type Node, placesOf } from "./cluster.ts";

/** After this long without a sign of life a host is removed, and the next tick has come. */
const REMOVED_MS: number = LEASE_MS + LEASE_MARGIN_MS + RENEW_MS;

async function three() {
  const all = cluster();
  const nodes = ["a", "b", "c"].map((name) => all.add(name));
  await all.clock.run(RENEW_MS);
  return { ...all, nodes: nodes as [Node, Node, Node] };
}

async function askAll(node: Node, clock: { run(ms: number): Promise<void> }) {
  const answers = Promise.all(addresses.map((address) => node.ask(address)));
  await clock.run(20_000);
  return answers;
}

test("hosts that join agree on one table, and spread the addresses", async () => {
  const { nodes, clock } = await three();
  expect(nodes.map(({ membership }) => membership.members.map(({ host }) => host).sort())).toEqual(Array(3).fill(["a", "b", "c"]));
  expect(new Set(nodes.map(({ membership }) => membership.incarnation)).size).toBe(3);
  const answers = await askAll(nodes[0], clock);
  expect(answers.every((answer) => typeof answer === "object" && answer.count === 1)).toBe(true);
  const places = placesOf(nodes);
  expect(places.size).toBe(addresses.length);
  expect(new Set(places.values())).toEqual(new Set(["a", "b", "c"]));
});

test("a host that joins gets its addresses at once, when the turns in progress there are over", async () => {
  const { nodes, clock, turns, add } = await three();
  await askAll(nodes[0], clock);
  const { opened, open } = gate();
  const held = nodes[0].host.addresses().map((address) => ({ address, answer: nodes[0].ask(address, { type: "hold", until: opened }) }));
  await clock.run(0);
  turns.length = 0;
  const late = add("d");
  await clock.run(0);
  const moved = held.filter(({ address }) => late.membership.directory.placeOf(address) === "d").map(({ address }) => address);
  expect(moved.length).toBeGreaterThan(0);
  const free = addresses.filter(
    (address) => !held.some((one) => one.address === address) && late.membership.directory.placeOf(address) === "d",
  );
  const answers = Promise.all([...moved, ...free].map((address) => late.ask(address)));
  await clock.run(0);
  expect(new Set(turns.map(({ address }) => address)), "what nobody holds is there, in no time").toEqual(new Set(free));
  open();
  await clock.run(0);
  expect((await answers).every((answer) => typeof answer === "object" && answer.host === "d")).toBe(true);
  expect((await Promise.all(held.map(({ answer }) => answer))).every((answer) => typeof answer === "object" && answer.host === "a")).toBe(
    true,
  );
  placesOf([...nodes, late]);
});

test("a host that dies is removed when its lease has lapsed, and its addresses live elsewhere with larger epochs", async () => {
  const { nodes, clock, turns } = await three();
  await askAll(nodes[0], clock);
  const [alive, , dead] = nodes;
  const lost = dead.host.addresses();
  const epochs = new Map(turns.map(({ address, epoch }) => [address, epoch]));
  dead.cut(true);
  await clock.run(LEASE_MS);
  expect(alive.membership.members.length, "nobody is removed before its lease has lapsed").toBe(3);
  await clock.run(REMOVED_MS - LEASE_MS);
  expect(alive.membership.members.map(({ host }) => host)).toEqual(["a", "b"]);
  turns.length = 0;
  const answers = await Promise.all([Promise.all(lost.map((address) => alive.ask(address))), clock.run(0)]);
  expect(answers[0].every((answer) => typeof answer === "object" && answer.count === 1)).toBe(true);
  for (const { address, epoch } of turns) expect(epoch).toBeGreaterThan(epochs.get(address) ?? 0);
});

test("a host that was cut off and removed does nothing from the end of its lease on, and comes back as another", async () => {
  const { nodes, clock, turns } = await three();
  await askAll(nodes[0], clock);
  const [alive, , away] = nodes;
  const its = away.host.addresses();
  const was = away.membership.incarnation;
  away.cut(true);
  const cut_ms = clock.monotonic_ms();
  await clock.run(LEASE_MS);
  turns.length = 0;
  for (const address of its) away.host.messenger.tell(address, { type: "count" });
  await clock.run(REMOVED_MS);
  expect(turns, "it holds its breath").toEqual([]);
  expect(away.host.addresses().length, "and keeps its actors").toBe(its.length);
  const answers = Promise.all(its.map((address) => alive.ask(address)));
  await clock.run(RENEW_MS);
  expect((await answers).every((answer) => typeof answer === "object" && answer.host !== "c")).toBe(true);
  away.cut(false);
  await clock.run(RENEW_MS);
  expect(away.host.counters().fenced).toBe(its.length);
  expect(away.host.counters().deadLetters.fenced).toBe(its.length);
  expect(away.membership.incarnation).toBeGreaterThan(was);
  expect(turns.filter(({ host }) => host === "c")).toEqual([]);
  const back = await askAll(away, clock);
  expect(back.every((answer) => typeof answer === "object")).toBe(true);
  expect(new Set(placesOf(nodes).values())).toEqual(new Set(["a", "b", "c"]));
  expect(clock.monotonic_ms()).toBeGreaterThan(cut_ms);
});

test("when nobody reaches the registers for long, all hosts pause, and all go on as they were", async () => {
  const { nodes, clock, turns } = await three();
  await askAll(nodes[0], clock);
  const before = nodes.map(({ membership, host }) => [membership.incarnation, host.counters().activations]);
  for (const node of nodes) node.cut(true);
  await clock.run(LEASE_MS);
  turns.length = 0;
  for (const node of nodes) for (const address of node.host.addresses()) node.host.messenger.tell(address, { type: "count" });
  await clock.run(10 * REMOVED_MS);
  expect(turns).toEqual([]);
  for (const node of nodes) node.cut(false);
  await clock.run(RENEW_MS);
  expect(turns.length).toBe(addresses.length);
  await clock.run(2 * REMOVED_MS);
  expect(nodes.map(({ membership, host }) => [membership.incarnation, host.counters().activations])).toEqual(before);
});

test("a host that leaves hands its addresses and what waits for them over, and nothing is lost", async () => {
  const { nodes, clock, turns } = await three();
  const [stays, , leaver] = nodes;
  await askAll(stays, clock);
  turns.length = 0;
  const answers = addresses.map((address) => stays.ask(address));
  const left = leaver.host.leave();
  for (let round = 0; round < 20; round++) {
    answers.push(...addresses.map((address) => stays.ask(address)));
    await clock.run(0);
  }
  await clock.run(1);
  await left;
  const codes = new Set((await Promise.all(answers)).filter((answer) => typeof answer === "string"));
  expect([...codes]).toEqual([]);
  expect(turns.length).toBe(answers.length);
  expect(stays.membership.members.map(({ host }) => host)).toEqual(["a", "b"]);
  expect(placesOf([nodes[0], nodes[1]]).size).toBe(addresses.length);
});

test("a host that is started anew under its name waits for the lease of its former life, unless that is known to be gone", async () => {
  const { nodes, clock, add } = await three();
  nodes[2].cut(true);
  const again = add("c");
  await clock.run(LEASE_MS);
  expect(again.membership.incarnation).toBe(0);
  await clock.run(REMOVED_MS - LEASE_MS);
  expect(again.membership.incarnation).toBeGreaterThan(nodes[2].membership.incarnation);
  again.cut(true);
  const known = add("c", { isGone: ({ host }) => host === "c" });
  await clock.run(0);
  expect(known.membership.incarnation).toBeGreaterThan(again.membership.incarnation);
});

test("a pin moves an address to a host, for as long as that is there", async () => {
  const { nodes, clock } = await three();
  const [a, b, c] = nodes;
  const address = addresses.find((one) => a.membership.directory.placeOf(one) === "a") ?? addressOf("count", "none");
  await Promise.all([a.membership.pin(address, "c"), clock.run(0)]);
  expect(await Promise.all([b.ask(address), clock.run(0)])).toMatchObject([{ host: "c" }, undefined]);
  c.cut(true);
  await clock.run(REMOVED_MS);
  expect(await Promise.all([b.ask(address), clock.run(0)])).toMatchObject([{ host: "a" }, undefined]);
  await Promise.all([b.membership.pin(address, "b"), clock.run(0)]);
  expect(await Promise.all([a.ask(address), clock.run(0)])).toMatchObject([{ host: "b" }, undefined]);
  await Promise.all([b.membership.pin(address, undefined), clock.run(0)]);
  expect(await Promise.all([b.ask(address), clock.run(0)])).toMatchObject([{ host: "a" }, undefined]);
});

test("asks to a host that is removed end then, and not with their deadline", async () => {
  const { nodes, clock } = await three();
  const [a, , c] = nodes;
  await askAll(a, clock);
  const held = c.host.addresses().map((address) => a.host.messenger.ask(address, { type: "never" }, { deadline_ms: 1e6 }));
  await clock.run(0);
  const ends = Promise.allSettled(held);
  c.cut(true);
  await clock.run(REMOVED_MS);
  expect((await ends).map((end) => end.status === "rejected" && end.reason.code)).toEqual(held.map(() => "unreachable"));
});

type Restless = { type: "begin" | "goOn" };

/** Joins a host of actors that move with "goOn"; what each is told goes to `told`. */
function joinRestless({ add }: Cluster, told: string[], name: string, lag = 0): Node {
  const node = add(name, { kinds: ["restless"], lag });
  node.host.register<Restless>({
    kind: "restless",
    mailboxCapacity: 8,
    supervision: { strategy: "stop" },
    activate: (_context, key) => ({
      receive: (message) => void told.push(`${name}: ${message.type} ${key}`),
      movesWith: () => ({ type: "goOn" }),
    }),
  });
  return node;
}

const restless: readonly Address[] = Array.from({ length: 40 }, (_, key) => addressOf("restless", String(key)));

/** Whether the host that joins hears of its own joining at once, or after what the others send to it because they have. */
test.each([
  ["at once", 0],
  ["late", 30],
])("an actor that acts by itself goes on where its address moves to; the news of it comes %s", async (_when, lag) => {
  const all = cluster();
  const { clock } = all;
  const told: string[] = [];
  const first = joinRestless(all, told, "first");
  await clock.run(RENEW_MS);
  for (const address of restless) first.host.messenger.tell<Restless>(address, { type: "begin" });
  await clock.run(RENEW_MS);
  expect(told).toHaveLength(restless.length);
  const second = joinRestless(all, told, "second", lag);
  await clock.run(10 * RENEW_MS);
  const moved = [...placesOf([first, second])].filter(([, name]) => name === "second").map(([address]) => keyOf(address));
  expect(moved.length).toBeGreaterThan(0);
  expect(told.slice(restless.length).sort()).toEqual(moved.map((key) => `second: goOn ${key}`).sort());
});

/** What the first host sends to the second either waits or is lost. */
test.each([
  ["waits", "hold"],
  ["is lost", "cut"],
] as const)("an actor that moves is begun by nobody before it has what it goes on with, when that %s on the way", async (_what, hinder) => {
  const all = cluster();
  const { clock, network } = all;
  const told: string[] = [];
  const first = joinRestless(all, told, "first");
  await clock.run(RENEW_MS);
  for (const address of restless) first.host.messenger.tell<Restless>(address, { type: "begin" });
  await clock.run(RENEW_MS);
  told.length = 0;
  const second = joinRestless(all, told, "second");
  network[hinder]("second", true);
  await clock.run(2 * RENEW_MS);
  const moved = restless.filter((address) => second.membership.directory.placeOf(address) === "second");
  expect(moved.length).toBeGreaterThan(0);
  for (const address of moved) second.host.messenger.tell<Restless>(address, { type: "begin" });
  await clock.run(2 * RENEW_MS);
  expect(told).toEqual([]);
  network[hinder]("second", false);
  await clock.run(2 * RENEW_MS);
  for (const address of moved) {
    const own = told.filter((line) => line.endsWith(` ${keyOf(address)}`));
    expect(own).toEqual(["goOn", "begin"].map((type) => `second: ${type} ${keyOf(address)}`));
  }
});

test("who watches an actor that was to move from a host that is lost is told: it may never have arrived", async () => {
  const { clock, add } = cluster();
  const heard = new Set<string>();
  const [a, b] = [add("a"), add("b", { kinds: ["count", "watcher"] })];
  b.host.register<{ type: "watch" } | { type: "ended"; who: string }>(
    kindOf("watcher", (context) => (message) => {
      if (message.type === "ended") heard.add(message.who);
      else for (const who of addresses) context.watch(who, { type: "ended", who });
    }),
  );
  await clock.run(RENEW_MS);
  const answers = Promise.all(addresses.map((address) => a.ask(address)));
  b.host.messenger.tell("watcher/w", { type: "watch" });
  await clock.run(RENEW_MS);
  await answers;
  const there = a.host.addresses();
  a.cut(true);
  const c = add("c");
  await clock.run(RENEW_MS);
  expect(there.filter((address) => c.membership.directory.placeOf(address) === "c").length).toBeGreaterThan(0);
  expect(heard.size).toBe(0);
  await clock.run(REMOVED_MS);
  expect([...heard].sort()).toEqual([...there].sort());
});
