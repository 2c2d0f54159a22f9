import type { Message } from "../../actor.ts";
import { DEADLINE_TICK_MS } from "../../deadline-wheel.ts";
import type { Happened, Life } from "../happening.ts";
import type { Invariant } from "../scenario.ts";
import { Pauses } from "./pauses.ts";

/** A deadline is noticed three ticks late at the most; clocks that run slow and timers that fire late add to it. */
const DEADLINE_SLACK_MS = 3 * DEADLINE_TICK_MS + 60;

interface OpenAsk extends Life {
  readonly to: string;
  readonly begun_ms: number;
  readonly due_ms: number;
}

/** Every ask ends once: by its answer, a typed failure, or its deadline, which it does not outlive by more than a few ticks of the wheel. */
export function asksEnd(): Invariant {
  const open = new Map<Message, OpenAsk>();
  const pauses = new Pauses();

  function ends(message: Message, at_ms: number, code: string | undefined): string | undefined {
    const ask = open.get(message);
    if (ask === undefined) return `an ask that is not open ended: ${JSON.stringify(message)}`;
    open.delete(message);
    const late_ms = at_ms - Math.max(ask.due_ms, pauses.runningSince_ms(ask.host));
    if (late_ms > DEADLINE_SLACK_MS) return `the ask of ${ask.to} ${JSON.stringify(message)} ended ${late_ms} ms after its deadline`;
    if (code === "deadline" && at_ms < ask.due_ms - (ask.due_ms - ask.begun_ms) / 100)
      return `the ask of ${ask.to} ${JSON.stringify(message)} ended by its deadline ${ask.due_ms - at_ms} ms before it`;
    return undefined;
  }

  return {
    name: "every ask ends once, by its deadline at the latest",
    saw(happened: Happened) {
      pauses.saw(happened);
      switch (happened.what) {
        case "asked": {
          const { host, life, to, message, at_ms, deadline_ms } = happened;
          open.set(message, { host, life, to, begun_ms: at_ms, due_ms: at_ms + deadline_ms });
          return undefined;
        }
        case "answered":
          return ends(happened.message, happened.at_ms, undefined);
        case "ask failed":
          return ends(happened.message, happened.at_ms, happened.code);
        case "host ends":
          for (const [message, ask] of open) {
            if (ask.host !== happened.host || ask.life !== happened.life) continue;
            if (happened.how === "left")
              return `${ask.host} left in good order, and its ask of ${ask.to} ${JSON.stringify(message)} is open`;
            open.delete(message);
          }
          return undefined;
        default:
          return undefined;
      }
    },
    atRest() {
      const [first] = open;
      return first === undefined ? undefined : `the ask of ${first[1].to} by ${first[1].host} has not ended: ${JSON.stringify(first[0])}`;
    },
  };
}
