import { openSync, writeSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { connect } from "nats";
import {
  AskFailed,
  addressOf,
  Host,
  Membership,
  NatsRegisters,
  natsTransport,
  silentLogger,
  systemClock,
  systemRandom,
} from "../../../runtime/mod.ts";
import { kindOf } from "../stage.ts";
import type { FromProcess, Setting, ToProcess } from "./process-protocol.ts";

/** A program that is one host: it offers counting actors, writes down the beginning of every turn, and asks actors anywhere without pause. */
const { url, name, journal, lease_ms, addresses }: Setting = JSON.parse(process.argv[2] ?? "{}");
const ASKS_AT_ONCE = 8;
const PAUSE_MS_MAX = 20;
const ASK_DEADLINE_MS = 4_000;

const clock = systemClock();
const random = systemRandom();
const lines = openSync(journal, "a");
const connection = await connect({ servers: url, maxReconnectAttempts: -1, reconnectTimeWait: 20 });
const membership = new Membership({
  host: name,
  kinds: ["count"],
  registers: new NatsRegisters({ connection, bucket: "members", clock }),
  clock,
  random,
  log: silentLogger,
  lease_ms,
  margin_ms: lease_ms / 4,
  renew_ms: lease_ms / 5,
});
const transport = natsTransport({ connection, prefix: "test", host: name });
const host = new Host({ name, clock, random, log: silentLogger, membership, transport });
host.register(
  kindOf<{ type: "count" }>("count", (context) => {
    let count = 0;
    return async (_message, sender) => {
      count += 1;
      // Times of one machine's monotonic clock, comparable between its processes.
      writeSync(
        lines,
        `${JSON.stringify({ at: Number(process.hrtime.bigint()), address: context.self, epoch: context.epoch, host: name, count })}\n`,
      );
      if (random.below(4) === 0) await delay(random.below(3));
      sender.answer(count);
    };
  }),
);
await host.ready();

let busy = false;
const asked = { begun: 0, ended: 0, answered: 0, codes: {} as Record<string, number> };

async function askOn(): Promise<void> {
  while (busy) {
    asked.begun += 1;
    try {
      await host.messenger.ask(addressOf("count", `a${random.below(addresses)}`), { type: "count" }, { deadline_ms: ASK_DEADLINE_MS });
      asked.answered += 1;
    } catch (error) {
      const code = error instanceof AskFailed ? error.code : `not typed: ${String(error)}`;
      asked.codes[code] = (asked.codes[code] ?? 0) + 1;
    }
    asked.ended += 1;
    await delay(random.below(PAUSE_MS_MAX));
  }
}

const say = (message: FromProcess): void => void process.send?.(message);

process.on("message", (message: ToProcess) => {
  switch (message.type) {
    case "traffic":
      busy = message.on;
      if (busy) for (let index = 0; index < ASKS_AT_ONCE; index++) void askOn();
      return;
    case "report":
      say({
        type: "report",
        incarnation: membership.incarnation,
        members: membership.members.map((member) => member.host),
        active: host.addresses(),
        fenced: host.counters().fenced,
        asked: structuredClone(asked),
      });
      return;
    case "leave":
      void host.leave().then(async () => {
        await connection.close();
        say({ type: "left" });
        process.disconnect();
      });
      return;
  }
});
process.on("disconnect", () => process.exit());
say({ type: "joined" });
