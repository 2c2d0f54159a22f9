import { unpackFrame } from "../../frame.ts";
import type { Happened, Life } from "../happening.ts";
import type { Invariant } from "../scenario.ts";
import { isNumbered } from "./delivery.ts";

/**
 * Nothing vanishes: every tell was handled, or is a dead letter, or was in a frame that the network lost, or went down with a host. Sees numbered
 * messages alone.
 */
export function nothingVanishes(): Invariant {
  const open = new Map<number, Life & { readonly from: string; readonly to: string }>();
  const lost: Uint8Array[] = [];
  const arrived = new Map<string, Uint8Array[]>();
  const ended = new Set<string>();
  const name = ({ host, life }: Life): string => `${host} ${life}`;
  return {
    name: "every tell is handled or accounted for",
    saw(happened: Happened) {
      switch (happened.what) {
        case "told":
          if (isNumbered(happened.message)) open.set(happened.message.id, happened);
          return undefined;
        case "turn begins":
        case "dead letter":
          if (isNumbered(happened.message)) open.delete(happened.message.id);
          return undefined;
        case "frame lost":
          lost.push(happened.bytes);
          return undefined;
        case "frame arrives": {
          const frames = arrived.get(name(happened.to)) ?? [];
          frames.push(happened.bytes);
          arrived.set(name(happened.to), frames);
          return undefined;
        }
        case "host ends":
          ended.add(name(happened));
          return undefined;
        default:
          return undefined;
      }
    },
    atRest() {
      const excused = new Set<number>();
      for (const bytes of lost) idsIn(bytes, excused);
      for (const [host, frames] of arrived) if (ended.has(host)) for (const bytes of frames) idsIn(bytes, excused);
      for (const [id, tell] of open) {
        if (!excused.has(id) && !ended.has(name(tell))) return `message ${id}, which ${tell.from} told ${tell.to}, vanished`;
      }
      return undefined;
    },
  };
}

function idsIn(bytes: Uint8Array, into: Set<number>): void {
  const frame = unpackFrame(bytes);
  if (typeof frame === "string") return;
  for (const envelope of frame.envelopes) {
    const message = envelope[2];
    if (typeof message === "object" && message !== null && "id" in message && typeof message.id === "number") into.add(message.id);
  }
}
