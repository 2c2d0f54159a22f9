import type { Message } from "../../actor.ts";
import type { Happened } from "../happening.ts";
import type { Invariant } from "../scenario.ts";

/** A message that can be told from every other one. Of what one sender sends, later messages have greater ids. */
export interface Numbered extends Message {
  readonly id: number;
}

/** What tells a message from every other one, if anything does: its number, or who was given up and why, or which watch it ends. */
export function identityOf(message: object): string | undefined {
  if ("id" in message) return `message ${message.id}`;
  if ("watch" in message && "of" in message) return `the end of ${message.of} for watch ${message.watch}`;
  if ("child" in message && "error" in message) return `the failure of ${message.child} by ${message.error}`;
  return undefined;
}

function isNumbered(message: Message): message is Numbered {
  return "id" in message && typeof message.id === "number";
}

/**
 * A message is handled at most once; what one sender sends to one address, while its host sees the same members, is handled in the order of sending;
 * and what was answered was handled. When members change, a message may find its actor gone, and is sent on while later ones go straight there. Sees those messages alone that have an identity.
 */
export function deliveredOnceInOrder(): Invariant {
  const from = new Map<number, string>();
  const views = new Map<string, number>();
  const handled = new Set<string>();
  const lastOfPair = new Map<string, number>();
  return {
    name: "a message is handled at most once, in order, and before it is answered",
    saw(happened: Happened) {
      switch (happened.what) {
        case "told":
        case "asked":
          if (isNumbered(happened.message)) from.set(happened.message.id, `${happened.from} (view ${views.get(happened.host) ?? 0})`);
          return undefined;
        case "view":
          views.set(happened.host, (views.get(happened.host) ?? 0) + 1);
          return undefined;
        case "turn begins": {
          const { message, address } = happened;
          const identity = identityOf(message);
          if (identity === undefined) return undefined;
          if (handled.has(identity)) return `${address} takes ${identity} for the second time`;
          handled.add(identity);
          if (!isNumbered(message)) return undefined;
          const pair = `${from.get(message.id)} to ${address}`;
          const last = lastOfPair.get(pair) ?? -1;
          if (last > message.id) return `${pair}: message ${message.id} was sent before ${last} and is handled after it`;
          lastOfPair.set(pair, message.id);
          return undefined;
        }
        case "answered":
          if (isNumbered(happened.message) && !handled.has(`message ${happened.message.id}`))
            return `message ${happened.message.id} to ${happened.to} was answered and never handled`;
          return undefined;
        default:
          return undefined;
      }
    },
  };
}
