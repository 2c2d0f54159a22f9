import type { Invariant } from "../scenario.ts";
import { Leases } from "./pauses.ts";

/** A host whose lease has lapsed begins no turn: others may count on it. */
export function noTurnWithoutLease(): Invariant {
  const leases = new Leases();
  return {
    name: "no turn begins on a host whose lease has lapsed",
    saw(happened) {
      leases.saw(happened);
      if (happened.what !== "turn begins" || happened.at_ms <= leases.until_ms(happened.host)) return undefined;
      return `${happened.address} takes a message on ${happened.host}, whose lease lapsed at ${(leases.until_ms(happened.host) / 1_000).toFixed(3)} s`;
    },
  };
}
