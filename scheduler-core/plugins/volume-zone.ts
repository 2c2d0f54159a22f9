import type { NodeFacts, ZoneLabel } from "../facts.ts";
import { NO_REASON, VOLUME_ZONE } from "../reason.ts";
import type { Plugin } from "./plugin.ts";

/** Old names of the labels for zone and region: a volume may have them where its node has the new ones, not the other way round. Source: translateToGALabel. */
const NEW_NAMES: Readonly<Record<string, string>> = {
  "failure-domain.beta.kubernetes.io/zone": "topology.kubernetes.io/zone",
  "failure-domain.beta.kubernetes.io/region": "topology.kubernetes.io/region",
};
const LABELS: readonly string[] = [...Object.keys(NEW_NAMES), ...Object.values(NEW_NAMES)];

/** Volumes that say by label in which zone they are want a node there. */
export const volumeZone: Plugin = {
  name: "VolumeZone",
  weight: 0,
  fixed: {
    filter: ({ volumes }, node) => {
      if (volumes === undefined || volumes.zones.length === 0) return NO_REASON;
      // A node that says nothing of zones is in a cluster of one.
      if (!LABELS.some((label) => label in node.labels)) return NO_REASON;
      return volumes.zones.every((zone) => isIn(zone, node)) ? NO_REASON : VOLUME_ZONE;
    },
  },
};

function isIn({ key, values }: ZoneLabel, { labels }: NodeFacts): boolean {
  const value = labels[key] ?? labels[NEW_NAMES[key] ?? key];
  return value !== undefined && values.includes(value);
}
