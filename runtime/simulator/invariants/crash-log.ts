import type { Address } from "../../address.ts";
import type { Happened } from "../happening.ts";

/** What the kernel says of a crash. */
export interface CrashSaid {
  readonly actor: Address;
  readonly error: string;
  readonly follows: "restart" | "resume" | "stop" | "escalate";
}

/** The crash that a line of the kernel's log is about. */
export function crashOf({ fields }: Extract<Happened, { what: "log" }>): CrashSaid | undefined {
  if (!("actor" in fields) || !("err" in fields) || !("follows" in fields)) return undefined;
  return { actor: fields.actor as Address, error: String(fields.err), follows: fields.follows as CrashSaid["follows"] };
}
