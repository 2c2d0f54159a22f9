import type { Message } from "../../actor.ts";
import type { Happened } from "../happening.ts";
import type { Invariant } from "../scenario.ts";
import { CANCELS } from "./workload.ts";

/** An ask that is cancelled ends at once, and its message is not handled any more if it waits on the same host. */
export function cancelledAtOnce(): Invariant {
  const open = new Map<Message, string>();
  const hosts = new Map<Message, string>();
  /** Those that were open when they were cancelled, now. */
  const now = new Map<Message, number>();
  const cancelled = new WeakSet<Message>();
  return {
    name: "an ask that is cancelled ends at once, and what waits on the same host is not handled",
    saw(happened: Happened) {
      for (const [message, at_ms] of now) if (at_ms < happened.at_ms) return `${JSON.stringify(message)} was cancelled and has not ended`;
      switch (happened.what) {
        case "asked":
          open.set(happened.message, `${happened.host} ${happened.life}`);
          return undefined;
        case "note": {
          const message = happened.data as Message;
          if (happened.text !== CANCELS || !open.has(message)) return undefined;
          now.set(message, happened.at_ms);
          cancelled.add(message);
          hosts.set(message, open.get(message) ?? "");
          return undefined;
        }
        case "answered":
        case "ask failed": {
          const { message } = happened;
          const code = happened.what === "answered" ? "its answer" : happened.code;
          const wrong = now.delete(message) ? code !== "cancelled" : code === "cancelled";
          open.delete(message);
          return wrong ? `${JSON.stringify(message)} ended by ${code}, cancelled or not` : undefined;
        }
        case "turn begins":
          if (!cancelled.has(happened.message) || hosts.get(happened.message) !== `${happened.host} ${happened.life}`) return undefined;
          return `${happened.address} takes ${JSON.stringify(happened.message)}, which was cancelled`;
        case "host ends":
          for (const [message, host] of open) if (host === `${happened.host} ${happened.life}`) open.delete(message);
          return undefined;
        default:
          return undefined;
      }
    },
  };
}
