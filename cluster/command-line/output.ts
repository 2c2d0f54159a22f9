import { WrongUsage } from "./wrong-usage.ts";

/** How an answer is printed: for people, or for programs. */
export type Format = "table" | "json" | "yaml";

interface OutputFlag<F extends Format> {
  readonly short: "o";
  readonly value: string;
  readonly default: F;
  readonly choices: readonly F[];
  readonly help: string;
}

/** What a command has to say: for programs, and for people. */
export interface Said {
  readonly answer: unknown;
  readonly lines: readonly string[];
}

/** `-o`, for a command that prints in these formats. The first is what it prints if it is told nothing. */
export function outputFlag<F extends Format>(...formats: readonly [F, ...F[]]): OutputFlag<F> {
  return { short: "o", value: formats.join("|"), default: formats[0], choices: formats, help: "how the answer is printed" };
}

/** Of nearly all commands. */
export const OUTPUT: OutputFlag<Format> = outputFlag("table", "json", "yaml");

/** Throws WrongUsage. */
export function formatOf<F extends Format>({ choices }: OutputFlag<F>, output: string): F {
  const format = choices.find((each) => each === output);
  if (format === undefined) throw new WrongUsage(`-o ${output} is none of ${choices.join(", ")}`);
  return format;
}

/** An answer in a format, with a line end. `lines` makes the table, if it is to be one. */
export async function printed(format: Format, answer: unknown, lines: () => readonly string[]): Promise<string> {
  switch (format) {
    case "json":
      return `${JSON.stringify(answer)}\n`;
    case "yaml":
      return (await import("yaml")).stringify(answer);
    case "table":
      return `${lines().join("\n")}\n`;
  }
}
