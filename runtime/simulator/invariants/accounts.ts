import type { Address } from "../../address.ts";
import { unpackFrame } from "../../frame.ts";
import type { Happened, Life } from "../happening.ts";
import type { Invariant } from "../scenario.ts";
import { crashOf } from "./crash-log.ts";
import { identityOf } from "./delivery.ts";

import { OutageLosses } from "./outage-losses.ts";

/**
 * Nothing vanishes: every tell, and every word of an actor that was given up, was handled, or is a dead letter, or was in a frame that the network
 * lost, or went down with a host. What is lost because the server was away is made up for. Sees those messages alone that have an identity.
 */
export function nothingVanishes(supervisorOf: (child: Address) => Address | undefined = () => undefined): Invariant {
  const open = new Map<string, Life & { readonly from: string; readonly to: string }>();
  const lost: Uint8Array[] = [];
  const outages = new OutageLosses();
  const owns = new Map<string, (address: Address) => boolean>();
  const arrived = new Map<string, Uint8Array[]>();
  const ended = new Set<string>();
  const name = ({ host, life }: Life): string => `${host} ${life}`;
  return {
    name: "every tell is handled or accounted for",
    saw(happened: Happened) {
      outages.saw(happened);
      switch (happened.what) {
        case "told": {
          const identity = identityOf(happened.message);
          if (identity !== undefined) open.set(identity, happened);
          return undefined;
        }
        case "log": {
          const { host, life } = happened;
          const crash = crashOf(happened);
          // What moves while it crashes begins anew elsewhere, and is not given up.
          if (crash?.follows !== "escalate" || owns.get(host)?.(crash.actor) === false) return undefined;
          const identity = identityOf({ child: crash.actor, error: crash.error });
          const to = supervisorOf(crash.actor);
          if (identity !== undefined && to !== undefined) open.set(identity, { host, life, from: crash.actor, to });
          return undefined;
        }
        case "turn begins":
        case "dead letter":
          open.delete((happened.message && identityOf(happened.message)) ?? "");
          return undefined;
        case "frame lost":
          if (happened.why !== "server away") lost.push(happened.bytes);
          return undefined;
        case "frame arrives": {
          const frames = arrived.get(name(happened.to)) ?? [];
          frames.push(happened.bytes);
          arrived.set(name(happened.to), frames);
          return undefined;
        }
        case "view":
          owns.set(happened.host, happened.owns);
          return undefined;
        case "fenced":
          owns.set(happened.host, () => false);
          return undefined;
        case "host ends":
          ended.add(name(happened));
          return undefined;
        default:
          return undefined;
      }
    },
    atRest() {
      const excused = new Set<string>();
      for (const bytes of [...lost, ...outages.excused()]) identitiesIn(bytes, excused);
      for (const [host, frames] of arrived) if (ended.has(host)) for (const bytes of frames) identitiesIn(bytes, excused);
      for (const [identity, tell] of open) {
        if (!excused.has(identity) && !ended.has(name(tell))) return `${identity}, which ${tell.from} told ${tell.to}, vanished`;
      }
      return undefined;
    },
  };
}

function identitiesIn(bytes: Uint8Array, into: Set<string>): void {
  const frame = unpackFrame(bytes);
  if (typeof frame === "string") return;
  for (const [, , message] of frame.envelopes) {
    const identity = typeof message === "object" && message !== null ? identityOf(message) : undefined;
    if (identity !== undefined) into.add(identity);
  }
}
