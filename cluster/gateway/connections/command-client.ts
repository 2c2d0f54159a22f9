import type { Frame } from "../../../actors/node/streaming/frames.ts";

/** The client of `exec` and `attach`, whichever protocol it speaks. */
export interface CommandClient {
  /** What it types, the sizes of its terminal, the end of its input: frames of the channels `stdin`, `resize` and `close`. Ends when it goes. */
  readonly heard: AsyncIterable<Frame>;
  /** What was printed, on `stdout` or `stderr`; resolves when there is room for more. */
  show(channel: number, bytes: Buffer): Promise<void>;
  /** Says how it ended, and hangs up. */
  finish(outcome: CommandOutcome): Promise<void>;
  /** Hangs up at once. */
  drop(): void;
}

/** How a command ended, as the error channel says it. Source: apimachinery's remotecommand.NonZeroExitCodeReason and metav1.Status. */
export interface CommandOutcome {
  readonly status: "Success" | "Failure";
  readonly metadata: object;
  readonly message?: string;
  readonly reason?: string;
  readonly details?: object;
  readonly code?: number;
}

/** In the form that a version of the protocol has; undefined: there is nothing to say. Those before version 4 say plain text, and only of failures. */
export function outcomeText(outcome: CommandOutcome, version: number): string | undefined {
  if (version >= 4) return JSON.stringify(outcome);
  return outcome.status === "Success" ? undefined : (outcome.message ?? "");
}
