import { availableParallelism } from "node:os";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { dispatch, type Ref, spawn, start, stop } from "nact";
import { Bench } from "tinybench";
import {
  type Actor,
  type ActorKind,
  addressOf,
  HISTOGRAM_BOUNDS_MS,
  type HistogramCounts,
  Host,
  type Message,
  silentLogger,
  systemClock,
  systemRandom,
} from "../runtime/mod.ts";
import { BenchFailure } from "./failure.ts";
import { type Figure, printFigures } from "./figure.ts";

/** `node bench/kernel.bench.ts [--json]`: the kernel within one host, beside a plain queue and beside nact, in one run. */
const TELLS_PER_RUN = 1_000;
const ACTIVATIONS_PER_RUN = 1_000;
const RUN_TIME_MS = 1_000;
const MAILBOX_MESSAGES = 1_000_000;
const IDLE_ACTORS = 1_000_000;
const IDLE_ACTORS_OF_NACT = 100_000;
/** Actors that are made before the event loop turns. */
const MADE_AT_ONCE = 1_000;
const CONDITIONS = `Node ${process.versions.node}, ${availableParallelism()} cores`;

interface Pod extends Message {
  readonly type: "pod";
  readonly name: string;
  readonly node: number;
  readonly phase: string;
}

const podOf = (node: number): Pod => ({ type: "pod", name: "web-7d4b9c", node, phase: "Running" });

/** Counts messages, and says when all of a burst have come. */
class Sink {
  #left = 0;
  #done: () => void = () => undefined;

  burst(messages: number): Promise<void> {
    this.#left = messages;
    return new Promise((resolve) => {
      this.#done = resolve;
    });
  }

  take(_message: Pod): void {
    this.#left -= 1;
    if (this.#left === 0) this.#done();
  }
}

/** What the kernel is measured against: a queue, and a microtask that calls a function with each of its messages. */
class PlainQueue {
  #messages: Pod[] = [];
  readonly #take: (message: Pod) => void;

  constructor(take: (message: Pod) => void) {
    this.#take = take;
  }

  push(message: Pod): void {
    this.#messages.push(message);
    if (this.#messages.length === 1) queueMicrotask(() => this.#drain());
  }

  #drain(): void {
    const messages = this.#messages;
    this.#messages = [];
    for (const message of messages) this.#take(message);
  }
}

/** An actor with as much state as it takes to count. */
class Counting implements Actor<Pod> {
  count = 0;

  receive(): void {
    this.count += 1;
  }
}

function kindOf(kind: string, activate: ActorKind<Pod>["activate"]): ActorKind<Pod> {
  return { kind, mailboxCapacity: MAILBOX_MESSAGES, supervision: { strategy: "stop" }, activate };
}

const turnOfLoop = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function rates(): Promise<Figure[]> {
  const host = new Host({ name: "bench", clock: systemClock(), random: systemRandom(), log: silentLogger });
  const system = start();
  const sink = new Sink();
  host.register(kindOf("sink", () => ({ receive: (message) => sink.take(message) })));
  host.register(kindOf("answering", () => ({ receive: (message, sender) => sender.answer(message.node) })));
  host.register(kindOf("short", (context) => ({ receive: () => context.stop() })));
  const queue = new PlainQueue((message) => sink.take(message));
  const address = addressOf("sink", "main");
  const theirs = spawn(system, (_state: undefined, message: Pod) => sink.take(message), "sink") as Ref<Pod>;
  const bench = new Bench({ time: RUN_TIME_MS, warmupTime: RUN_TIME_MS / 4, throws: true });
  const per = new Map<string, { count: number; unit: string; conditions: string }>();
  const add = (name: string, count: number, unit: string, conditions: string, run: () => Promise<void>): void => {
    per.set(name, { count, unit, conditions });
    bench.add(name, run);
  };
  const tells = (name: string, receiver: string, tell: (message: Pod) => void): void =>
    add(name, TELLS_PER_RUN, "tells/s", `bursts of ${TELLS_PER_RUN} to one ${receiver}`, () => {
      const done = sink.burst(TELLS_PER_RUN);
      for (let n = 0; n < TELLS_PER_RUN; n++) tell(podOf(n));
      return done;
    });
  tells("tell, same host", "actor", (message) => host.messenger.tell(address, message));
  tells("a function called through a queue", "function", (message) => queue.push(message));
  tells("nact dispatch", "actor of nact", (message) => dispatch(theirs, message));

  add("ask, same host", TELLS_PER_RUN, "asks/s", `${TELLS_PER_RUN} at once`, async () => {
    const answers = Array.from({ length: TELLS_PER_RUN }, (_, n) => host.messenger.ask(addressOf("answering", "main"), podOf(n)));
    await Promise.all(answers);
  });
  let key = 0;
  add("activation", ACTIVATIONS_PER_RUN, "activations/s", "activate, handle one message, stop", async () => {
    for (let n = 0; n < ACTIVATIONS_PER_RUN; n++) host.messenger.tell(addressOf("short", `actor-${key++}`), podOf(n));
    while (host.addresses("short").length > 0) await turnOfLoop();
  });
  add("nact spawn", ACTIVATIONS_PER_RUN, "activations/s", "spawn, handle one message, stop", () => {
    const done = sink.burst(ACTIVATIONS_PER_RUN);
    for (let n = 0; n < ACTIVATIONS_PER_RUN; n++) {
      const receive = (_state: undefined, message: Pod): void => {
        stop(actor);
        sink.take(message);
      };
      const actor: Ref<Pod> = spawn(system, receive, `actor-${key++}`);
      dispatch(actor, podOf(n));
    }
    return done;
  });
  await bench.run();
  const { blocks } = host.counters();
  await host.stop();
  stop(system);
  const measured = bench.tasks.map((task) => {
    const facts = per.get(task.name);
    if (facts === undefined || !("throughput" in task.result)) throw new BenchFailure(`${task.name}: no result (${task.result.state})`);
    return figure(task.name, "rate", (facts.count * 1_000) / task.result.latency.p50, facts.unit, `${facts.conditions}; median run`);
  });
  const held = `of ${blocks.count} turns of the loop under these loads, handlers included; what else runs on the machine counts too`;
  return [
    ...measured,
    figure("event loop held", "p99.9, no more than", boundOf(blocks, 0.999), "ms", held),
    figure("event loop held", "longest", blocks.max_ms, "ms", held),
  ];
}

/** The upper bound of the bucket in which this share of all durations is reached. */
function boundOf({ counts, count, max_ms }: HistogramCounts, share: number): number {
  let seen = 0;
  const bucket = counts.findIndex((inBucket) => {
    seen += inBucket;
    return seen >= share * count;
  });
  return HISTOGRAM_BOUNDS_MS[bucket] ?? max_ms;
}

/** The heap that an actor takes which has handled one message and waits for the next. */
async function memory(): Promise<Figure[]> {
  setFlagsFromString("--expose-gc");
  const collect: () => void = runInNewContext("gc");
  const heap = async (): Promise<number> => {
    await turnOfLoop();
    collect();
    collect();
    return process.memoryUsage().heapUsed;
  };
  const grown = async (actors: number, make: (n: number) => void, settled: () => boolean): Promise<number> => {
    make(0);
    const before = await heap();
    for (let n = 1; n <= actors; n++) {
      make(n);
      if (n % MADE_AT_ONCE === 0) await turnOfLoop();
    }
    while (!settled()) await turnOfLoop();
    return ((await heap()) - before) / actors;
  };
  const host = new Host({ name: "bench", clock: systemClock(), random: systemRandom(), log: silentLogger });
  host.register(kindOf("idle", () => new Counting()));
  const ours = await grown(
    IDLE_ACTORS,
    (n) => host.messenger.tell(addressOf("idle", `${n}`), podOf(n)),
    () => host.counters().delivered > IDLE_ACTORS,
  );
  await host.stop();
  const system = start();
  let handled = 0;
  const count = (state: number | undefined): number => {
    handled += 1;
    return (state ?? 0) + 1;
  };
  const theirs = await grown(
    IDLE_ACTORS_OF_NACT,
    (n) => dispatch(spawn(system, count, `idle-${n}`) as Ref<Pod>, podOf(n)),
    () => handled > IDLE_ACTORS_OF_NACT,
  );
  stop(system);
  return [
    figure("idle actor", "heap", ours, "bytes", `${IDLE_ACTORS} of them, each after one message, its own state included`),
    figure("idle nact actor", "heap", theirs, "bytes", `${IDLE_ACTORS_OF_NACT} of them, each after one message`),
  ];
}

function figure(name: string, metric: string, value: number, unit: string, conditions: string): Figure {
  return { suite: "kernel", case: name, metric, value, unit, conditions: `${conditions}; ${CONDITIONS}` };
}

const figures = [...(await rates()), ...(await memory())];
printFigures(figures, process.argv.includes("--json"));
