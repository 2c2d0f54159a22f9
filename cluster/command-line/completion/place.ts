import type { CommandTable } from "../command.ts";
import type { Flag, Flags } from "../flag.ts";

/** A place that the words typed so far can lead to, and what may come there. Shells are told of all of them beforehand, so that none starts Troupe to complete a word. */
export interface Place {
  /** The words that lead there: `[]`, `["token"]`, `["token", "create"]`. */
  readonly path: readonly string[];
  readonly flags: Flags;
  /** Words that may come, with what they mean: commands, verbs, choices of the operand. */
  readonly words: Readonly<Record<string, string>>;
  /** Whether its words are commands or verbs, places of their own. */
  readonly leads: boolean;
  /** What else may come. */
  readonly operand: Content;
}

/** What completes a value: names of files or directories, or nothing that is known. */
export type Content = "files" | "directories" | "nothing";

/** All places, those that lead to others first. */
export async function placesOf(table: CommandTable): Promise<readonly Place[]> {
  const places: Place[] = [];
  const summaries: Record<string, string> = {};
  for (const [name, { load }] of Object.entries(table)) {
    const command = await load();
    summaries[name] = command.summary;
    const verbs = Object.entries(command.verbs ?? {});
    const chosen = verbs.length > 0 ? Object.fromEntries(verbs.map(([verb, { summary }]) => [verb, summary])) : await command.choices?.();
    places.push({ path: [name], flags: command.flags, words: chosen ?? {}, leads: verbs.length > 0, operand: contentOf(command.operands) });
    for (const [verb, { flags, operands, choices }] of verbs)
      places.push({ path: [name, verb], flags, words: (await choices?.()) ?? {}, leads: false, operand: contentOf(operands) });
  }
  return [{ path: [], flags: {}, words: summaries, leads: true, operand: "nothing" }, ...places];
}

/** What completes what a flag or an operand takes, by the name that help has for it. */
export function contentOf(value: string | undefined): Content {
  if (value === undefined) return "nothing";
  if (/\bFILE\b/.test(value)) return "files";
  return /\bDIR\b/.test(value) ? "directories" : "nothing";
}

/** Flags as they are typed, each with what it is. */
export function typedFlags(flags: Flags): readonly (readonly [string, Flag])[] {
  return Object.entries(flags).flatMap(([name, flag]) => [
    ...(flag.short === undefined ? [] : [[`-${flag.short}`, flag] as const]),
    [`--${name}`, flag] as const,
  ]);
}

/** A text as one word of any of the shells. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
