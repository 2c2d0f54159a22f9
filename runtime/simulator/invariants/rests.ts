import { type Address, kindOf } from "../../address.ts";
import type { ActivationOf, Happened } from "../happening.ts";
import type { Invariant } from "../scenario.ts";

/** Beyond twice its time an idle actor is found within this: idle actors are looked at once in a while, and clocks run slow. */
const REST_SLACK_MS = 5_000;

/** Clocks run fast by a thousandth. */
const TIME_TOLERANCE = 0.99;

interface Active {
  readonly of: ActivationOf;
  used_ms: number;
  /** It is to end for another reason, or for none that matters here. */
  ending: boolean;
}

/** An actor of a kind that rests does so when it has had nothing to do for its time, not before, and not much later. */
export function restsWhenIdle(kinds: readonly { readonly kind: string; readonly idle_ms?: number }[]): Invariant {
  const times = new Map(kinds.map(({ kind, idle_ms }) => [kind, idle_ms]));
  const active = new Map<string, Active>();
  const leaving = new Set<string>();
  const key = ({ host, address }: { host: string; address: Address }): string => `${host} ${address}`;

  function saw(happened: Happened): string | undefined {
    switch (happened.what) {
      case "activated":
        if (times.get(kindOf(happened.address)) === undefined) return undefined;
        active.set(key(happened), { of: happened, used_ms: happened.at_ms, ending: false });
        return undefined;
      case "turn begins":
      case "turn ends": {
        const one = active.get(key(happened));
        if (one === undefined) return undefined;
        if (happened.what === "turn begins") one.used_ms = happened.at_ms;
        // A watch of its own keeps it awake, and a timer would.
        if (happened.what === "turn ends") one.ending ||= happened.crashed || ["stop", "watch"].includes(happened.message.type);
        return undefined;
      }
      case "activation failed":
        active.delete(key(happened));
        return undefined;
      case "ended": {
        const one = active.get(key(happened));
        active.delete(key(happened));
        const idle_ms = times.get(kindOf(happened.address)) ?? 0;
        if (one === undefined || one.ending || leaving.has(happened.host) || happened.at_ms - one.used_ms >= idle_ms * TIME_TOLERANCE)
          return undefined;
        return `${happened.address} went to rest ${happened.at_ms - one.used_ms} ms after its last message, before ${idle_ms} ms had passed`;
      }
      case "view":
      case "fenced":
        for (const one of active.values())
          if (one.of.host === happened.host && (happened.what === "fenced" || !happened.owns(one.of.address))) one.ending = true;
        return undefined;
      case "host begins":
        leaving.delete(happened.host);
        return undefined;
      case "host leaves":
        leaving.add(happened.host);
        return undefined;
      case "host ends":
        for (const [each, one] of active) if (one.of.host === happened.host) active.delete(each);
        return undefined;
      default:
        return undefined;
    }
  }

  return {
    name: "an actor that rests does so after its time without a message",
    saw,
    atRest(at_ms) {
      for (const { of, used_ms, ending } of active.values()) {
        const idle_ms = times.get(kindOf(of.address)) ?? 0;
        if (!ending && at_ms - used_ms > 2 * idle_ms + REST_SLACK_MS)
          return `${of.address} has had no message for ${at_ms - used_ms} ms and does not rest`;
      }
      return undefined;
    },
  };
}
