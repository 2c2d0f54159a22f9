import type { Actor, ActorKind, Context, Message, Messenger } from "../actor.ts";
import type { AskFailed } from "../ask-failed.ts";
import { ASK_DEADLINE_MS } from "../asks.ts";
import type { ActivationOf, Happening, Life } from "./happening.ts";

type Happened = (happening: Happening) => void;

/** The same kind of actor, seen from outside: its activations, turns, and what it sends. */
export function observedKind(kind: ActorKind<Message>, life: Life, happened: Happened): ActorKind<Message> {
  return {
    ...kind,
    activate(context, key) {
      const activation = { ...life, address: context.self, epoch: context.epoch };
      happened({ what: "activated", ...activation });
      const failed = (error: unknown): never => {
        happened({ what: "activation failed", ...activation });
        throw error;
      };
      const observed = (actor: Actor<Message>): Actor<Message> => observedActor(actor, activation, happened);
      try {
        const actor = kind.activate(observedContext(context, activation, happened), key);
        return "then" in actor ? actor.then(observed, failed) : observed(actor);
      } catch (error) {
        return failed(error);
      }
    },
  };
}

function observedActor(actor: Actor<Message>, activation: ActivationOf, happened: Happened): Actor<Message> {
  return {
    receive(message, sender) {
      happened({ what: "turn begins", ...activation, message });
      const over = (crashed: boolean): void => happened({ what: "turn ends", ...activation, message, crashed });
      let turn: void | Promise<void>;
      try {
        turn = actor.receive(message, sender);
      } catch (error) {
        over(true);
        throw error;
      }
      if (!(turn instanceof Promise)) {
        over(false);
        return;
      }
      return turn.then(
        () => over(false),
        (error: unknown) => {
          over(true);
          throw error;
        },
      );
    },
    movesWith: () => actor.movesWith?.(),
    stopped() {
      happened({ what: "ended", ...activation });
      return actor.stopped?.();
    },
  };
}

/** All that a context can do, whatever that is, with what it sends seen. */
function observedContext(context: Context<Message>, activation: ActivationOf, happened: Happened): Context<Message> {
  const { tell, ask } = observedMessenger(context, activation, `${activation.address} (${activation.epoch})`, happened);
  return new Proxy(context, {
    get(target, name) {
      if (name === "tell") return tell;
      if (name === "ask") return ask;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

export function observedMessenger(messenger: Messenger, { host, life }: Life, from: string, happened: Happened): Messenger {
  return {
    tell(to, message) {
      happened({ what: "told", host, life, from, to, message });
      messenger.tell(to, message);
    },
    async ask<Answer>(...[to, message, options]: Parameters<Messenger["ask"]>): Promise<Answer> {
      happened({ what: "asked", host, life, from, to, message, deadline_ms: options?.deadline_ms ?? ASK_DEADLINE_MS });
      try {
        const value = await messenger.ask<Answer>(to, message, options);
        happened({ what: "answered", host, life, to, message, value });
        return value;
      } catch (error) {
        happened({ what: "ask failed", host, life, to, message, code: (error as AskFailed).code });
        throw error;
      }
    },
  };
}
