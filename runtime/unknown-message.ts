import type { Message } from "./actor.ts";

/** A handler was given a message that its union does not have. The kernel counts it and refuses it; the actor goes on as it was. */
export class UnknownMessage extends Error {
  constructor(message: Message) {
    super(`no handler for messages of type ${message.type}`);
    this.name = "UnknownMessage";
  }
}

/**
 * The default of every handler's switch, reached only by what a host of another version sent. That its argument is `never` makes a member
 * of the union that has no case an error of the compiler.
 */
export function unknownMessage(message: never): never {
  throw new UnknownMessage(message);
}
