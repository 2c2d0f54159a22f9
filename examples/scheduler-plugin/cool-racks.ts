import type { NodeFacts } from "../../scheduler-core/mod.ts";
import { normalizeDown, type Plugin } from "../../scheduler-core/plugins/plugin.ts";

/** What the air above a rack measures, in degrees, as whoever watches it writes it on the nodes. */
const CELSIUS = "example.com/rack-celsius";
/** A rack that nobody measures is taken for a warm one. */
const UNKNOWN_CELSIUS = 35;

/** Prefers nodes in cooler racks: the warmest of those that can take the pod gets 0, one at 0 degrees would get 100. */
export const coolRacks: Plugin = {
  name: "CoolRacks",
  weight: 2,
  fixed: {
    score: (_pod, node) => celsiusOf(node),
    normalize: normalizeDown,
  },
};

function celsiusOf({ labels }: NodeFacts): number {
  const celsius = Number(labels[CELSIUS]);
  return Number.isFinite(celsius) && celsius >= 0 ? Math.round(celsius) : UNKNOWN_CELSIUS;
}
