import type { Supervision } from "../../actor.ts";
import { type Address, kindOf } from "../../address.ts";
import type { Happened, Life } from "../happening.ts";
import type { Invariant } from "../scenario.ts";
import { Pauses } from "./pauses.ts";

/** Beyond its backoff a restart takes no longer than this: timers that fire late, clocks that run slow, a turn of the loop. */
const RESTART_SLACK_MS = 50;

/** Clocks run fast by a thousandth, and a crash happens within a turn. */
const BACKOFF_TOLERANCE = 0.99;

interface Awaited extends Life {
  readonly address: Address;
  readonly crashed_ms: number;
}

/** An actor of a kind that restarts is active again on the same host after each crash: not before its backoff, and not long after the longest. */
export function restartsHappen(kinds: readonly { readonly kind: string; readonly supervision: Supervision }[]): Invariant {
  const supervisions = new Map(kinds.map(({ kind, supervision }) => [kind, supervision]));
  const awaited = new Map<string, Awaited>();
  const pauses = new Pauses();
  /** Hosts that stop their actors: none is restarted any more. */
  const leaving = new Set<string>();
  let lookAgain_ms = Number.POSITIVE_INFINITY;

  function crashed({ host, life, address, at_ms }: Life & { address: Address; at_ms: number }): void {
    const supervision = supervisions.get(kindOf(address));
    if (supervision?.strategy !== "restart" || leaving.has(host)) return;
    awaited.set(`${host} ${address}`, { host, life, address, crashed_ms: at_ms });
    lookAgain_ms = Math.min(lookAgain_ms, at_ms + supervision.backoff_max_ms + RESTART_SLACK_MS);
  }

  function overdue(at_ms: number): string | undefined {
    lookAgain_ms = Number.POSITIVE_INFINITY;
    for (const { host, address, crashed_ms } of awaited.values()) {
      const supervision = supervisions.get(kindOf(address));
      if (supervision?.strategy !== "restart") continue;
      const due_ms = Math.max(crashed_ms + supervision.backoff_max_ms, pauses.runningSince_ms(host)) + RESTART_SLACK_MS;
      if (at_ms > due_ms) return `${address} crashed on ${host} at ${(crashed_ms / 1_000).toFixed(3)} s and was not restarted`;
      lookAgain_ms = Math.min(lookAgain_ms, due_ms);
    }
    return undefined;
  }

  return {
    name: "an actor that is to be restarted is, after its backoff and within its bound",
    saw(happened: Happened) {
      pauses.saw(happened);
      switch (happened.what) {
        case "turn ends":
          if (happened.crashed) crashed(happened);
          break;
        case "activation failed":
          crashed(happened);
          break;
        case "activated": {
          const key = `${happened.host} ${happened.address}`;
          const crash = awaited.get(key);
          awaited.delete(key);
          const supervision = supervisions.get(kindOf(happened.address));
          if (crash === undefined || supervision?.strategy !== "restart") break;
          const waited_ms = happened.at_ms - crash.crashed_ms;
          if (waited_ms < supervision.backoff_ms * BACKOFF_TOLERANCE)
            return `${happened.address} was restarted ${waited_ms} ms after its crash, before its backoff of ${supervision.backoff_ms} ms`;
          break;
        }
        case "host begins":
          leaving.delete(happened.host);
          break;
        case "host leaves":
        case "host ends":
          leaving.add(happened.host);
          for (const [key, { host }] of awaited) if (host === happened.host) awaited.delete(key);
          break;
        default:
      }
      return happened.at_ms > lookAgain_ms ? overdue(happened.at_ms) : undefined;
    },
    atRest: overdue,
  };
}
