import type { Flags } from "./flag.ts";

/** Exit codes: see docs/command-line.md. */
export const DONE = 0;
export const FAILED = 1;
export const WRONG_USAGE = 2;

/** A line that one can type, and what comes of it. */
export interface Example {
  /** Without `troupe`. */
  readonly line: string;
  readonly does: string;
}

/**
 * A command: all that help, completion and docs/command-line.md say of it, and what it does. What does it is imported by `run`, so that a command costs
 * nobody anything who does not run it.
 */
export interface Command {
  /** What it does, in a few words: one line of the overview. */
  readonly summary: string;
  /** More of it, where the summary does not say all. */
  readonly about?: string;
  /** What it takes beside flags, as help writes it: `FILE`, `[POD]`. */
  readonly operands?: string;
  /** All words that the operand may be, where they can be counted. */
  readonly choices?: () => Promise<Readonly<Record<string, string>>>;
  readonly flags: Flags;
  readonly examples?: readonly Example[];
  /** What its first operand may be, where it then is a command of its own. */
  readonly verbs?: Readonly<Record<string, Command>>;
  /** Does it, and gives the exit code. Undefined: it wants one of its verbs. Throws WrongUsage, and BootFailure for what its user can mend. */
  readonly run?: (args: readonly string[]) => Promise<number>;
  /** Its operands have flags of their own, and a `--help` behind them is theirs. */
  readonly helpIsTheirs?: true;
}

/** Where a command stands in the overview; `more` is named there, and no more. */
export type Group = "run" | "look" | "use" | "keep" | "try" | "more";

export interface Entry {
  readonly group: Group;
  readonly load: () => Promise<Command>;
}

/** All commands by name, in the order of the overview. */
export type CommandTable = Readonly<Record<string, Entry>>;
