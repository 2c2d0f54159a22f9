import type { ActivationOf, Happened } from "../happening.ts";
import type { Invariant } from "../scenario.ts";

interface Activation {
  readonly of: ActivationOf;
  /** A turn has begun and not ended. */
  inTurn: boolean;
  ended: boolean;
  /** Its host was removed. */
  fenced: boolean;
}

/**
 * Of all activations that an address ever has, anywhere, each has a greater epoch than those before it, and once it has begun no earlier one begins
 * a turn. One activation takes one message at a time, and none after it has ended.
 */
export function oneActivation(): Invariant {
  const newest = new Map<string, Activation>();
  const all = new Map<string, Activation>();
  return {
    name: "one activation of an address acts at a time, and their epochs grow",
    saw(happened: Happened) {
      switch (happened.what) {
        case "activated": {
          const before = newest.get(happened.address);
          if (before !== undefined && before.of.epoch >= happened.epoch)
            return `${text(happened)} was activated after ${text(before.of)}, whose epoch is not less`;
          const activation = { of: happened, inTurn: false, ended: false, fenced: false };
          newest.set(happened.address, activation);
          all.set(key(happened), activation);
          return undefined;
        }
        case "turn begins": {
          const activation = all.get(key(happened));
          const last = newest.get(happened.address);
          if (activation === undefined || last === undefined) return `${text(happened)} takes a message and was not activated`;
          if (last !== activation) return `${text(happened)} takes a message after ${text(last.of)} was activated`;
          if (activation.fenced) return `${text(happened)} takes a message after its host was fenced`;
          if (activation.ended) return `${text(happened)} takes a message after its end`;
          if (activation.inTurn) return `${text(happened)} takes a message while it handles another`;
          activation.inTurn = true;
          return undefined;
        }
        case "turn ends": {
          const activation = all.get(key(happened));
          if (activation !== undefined) activation.inTurn = false;
          return undefined;
        }
        case "fenced":
          for (const activation of all.values())
            if (activation.of.host === happened.host && activation.of.life === happened.life) activation.fenced = true;
          return undefined;
        case "activation failed":
        case "ended": {
          const activation = all.get(key(happened));
          if (activation?.ended) return `${text(happened)} ended twice`;
          if (activation !== undefined) activation.ended = true;
          return undefined;
        }
        default:
          return undefined;
      }
    },
  };
}

/** Epochs are unique for an address only as long as this invariant holds, so the host is part of it. */
function key({ host, life, address, epoch }: ActivationOf): string {
  return `${host} ${life} ${address} ${epoch}`;
}

function text({ host, life, address, epoch }: ActivationOf): string {
  return `${address} of epoch ${epoch} on ${host}, life ${life},`;
}
