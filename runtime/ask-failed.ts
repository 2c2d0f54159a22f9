/** Codes with which the kernel itself ends an ask; actors add their own through `Sender.fail`. */
export const ASK_FAILURES = {
  deadline: "no answer came in time; whether the message was handled is not known",
  cancelled: "the asker cancelled it; whether the message was handled is not known",
  "mailbox-full": "the actor's mailbox is full; try again later",
  overloaded: "the actor's host takes in less than is sent to it, and too much waits already; try again later",
  unreachable: "the actor's host cannot be reached or is stopping; whether the message was handled is not known",
  "unknown-kind": "no live host offers this kind of actor",
  "unknown-message": "the actor does not know messages of this type; its host runs another version",
  crashed: "the actor crashed before it answered",
  "too-large": "the message or its answer is larger than the transport carries",
  "not-plain-data": "the message or its answer holds something that cannot travel between hosts",
} as const;

export type AskFailure = keyof typeof ASK_FAILURES;

/** How an ask ends that got no answer: one of ASK_FAILURES, or a code of the actor that was asked. */
export class AskFailed extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.name = "AskFailed";
    this.code = code;
  }
}
