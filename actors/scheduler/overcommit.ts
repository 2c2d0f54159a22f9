import type { Node, Pod } from "../kinds/generated/types.ts";
import { type Amounts, amountsOf } from "./resource-needs.ts";

/** A pod that may run on what others have reserved and do not use, and that goes first when it is wanted back: this label with the value `offline`. */
const CLASS_LABEL = "scheduling.troupe.dev/class";
const OFFLINE = "offline";
/** On a node with the value `true`: it is to measure what its pods use, so that it can lend what is idle. */
export const LENDS_LABEL = "scheduling.troupe.dev/lends";
/** On a node: what its pods really use that are not offline, as amounts by resource in JSON; written by the node's agent, or whoever else measures it. */
export const USAGE_ANNOTATION = "scheduling.troupe.dev/online-usage";
/** Of what a node has, so much is left alone, for online pods that suddenly need more. */
const HEADROOM = 0.1;
/** What can be shared in time. A node lends it under another name, so that neither sort of pods takes from the other's. */
const LENT: Readonly<Record<string, string>> = { cpu: "idle cpu", memory: "idle memory" };

export function isOffline({ metadata }: Pick<Pod, "metadata">): boolean {
  return metadata.labels?.[CLASS_LABEL] === OFFLINE;
}

export function isLender({ metadata }: Pick<Node, "metadata">): boolean {
  return metadata.labels?.[LENDS_LABEL] === "true";
}

/** What the node lends to offline pods: what is not used of what it has, whoever reserved it. Nothing where nobody measures. */
export function lentBy({ metadata, status }: Node): Amounts {
  const used = usageOf(metadata.annotations?.[USAGE_ANNOTATION]);
  if (used === undefined) return {};
  const has = amountsOf(status?.allocatable);
  const lent: Amounts = {};
  for (const [name, idle] of Object.entries(LENT)) {
    lent[idle] = Math.max(0, Math.floor((has[name] ?? 0) * (1 - HEADROOM) - (used[name] ?? 0)));
  }
  return lent;
}

/** What an offline pod takes: of what can be lent, only what is lent. */
export function borrowed(requests: Amounts): Amounts {
  const taken: Amounts = {};
  for (const name in requests) taken[LENT[name] ?? name] = requests[name] ?? 0;
  return taken;
}

/** The names under which a node lends. */
export const LENT_NAMES: readonly string[] = Object.values(LENT);

/** A measure that makes no sense is none. */
function usageOf(text: string | undefined): Amounts | undefined {
  if (text === undefined) return undefined;
  try {
    return amountsOf(JSON.parse(text) as Record<string, string>);
  } catch {
    return undefined;
  }
}
