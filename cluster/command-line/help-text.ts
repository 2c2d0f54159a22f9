import { styleText } from "node:util";
import type { Command, CommandTable, Group } from "./command.ts";
import type { Flag, Flags } from "./flag.ts";
import { typed } from "./typed.ts";
import { wrap } from "./wrap.ts";

/** A terminal of the old kind has 80 columns, and whoever has a wider one does not like longer lines. */
const WIDTH = 80;
/** Where the text beside a flag begins; a flag that is longer has its text below it. */
const TEXT_COLUMN = 26;

const GROUPS: Readonly<Record<Group, string>> = { run: "run", look: "look", use: "use", keep: "keep", try: "try", more: "and" };

/** The overview: a line a command, and all on one screen of 24 lines. */
export async function overview(table: CommandTable): Promise<string> {
  const commands = await Promise.all(
    Object.entries(table).map(async ([name, { group, load }]) => ({ name, group, summary: (await load()).summary })),
  );
  const own = commands.filter(({ group }) => group !== "more");
  const width = Math.max(...own.map(({ name }) => name.length));
  const lines = own.map(({ name, group, summary }, index) => {
    const title = own[index - 1]?.group === group ? "" : GROUPS[group];
    return `${heading(title.padEnd(6))}${name.padEnd(width)}  ${summary}`;
  });
  const rest = wrap(commands.flatMap(({ name, group }) => (group === "more" ? [name] : [])).join(", "), WIDTH - 6);
  const more = rest.map((line, index) => `${heading((index === 0 ? GROUPS.more : "").padEnd(6))}${line}`);
  return [
    `${heading("Troupe")}: a cluster that speaks the Kubernetes API. Usage: troupe COMMAND [flags]`,
    ...lines,
    ...more,
    `troupe help COMMAND says more of each; here, troupe is ${typed()}.`,
    "-o json answers programs.",
    "",
  ].join("\n");
}

/** All that is known of one command, which `path` names. */
export async function commandHelp(path: string, command: Command): Promise<string> {
  const { summary, about, operands, flags, verbs, choices, examples } = command;
  const blocks = [[`${heading(usageOf(path, command))}`, ...wrap(`${summary}.`, WIDTH)]];
  if (about !== undefined) blocks.push(wrap(about, WIDTH));
  if (verbs !== undefined) {
    const entries = Object.entries(verbs).map(([name, verb]) =>
      beside(verb.operands === undefined ? name : `${name} ${verb.operands}`, verb.summary),
    );
    blocks.push(entries.flat());
  }
  if (choices !== undefined) {
    const entries = Object.entries(await choices()).map(([name, says]) => beside(name, says));
    blocks.push([heading(`${(operands ?? "").split(" ")[0]}:`), ...entries.flat()]);
  }
  for (const [section, some] of sectionsOf(flags)) {
    blocks.push([
      ...(section === "" ? [] : [heading(`${section}:`)]),
      ...some.flatMap(([name, flag]) => beside(flagUsage(name, flag), flagText(flag))),
    ]);
  }
  if (examples !== undefined)
    blocks.push(examples.flatMap(({ line, does }) => [`  ${styleText("cyan", `troupe ${line}`)}`, ...beside("", does)]));
  return `${blocks.map((lines) => lines.join("\n")).join("\n\n")}\n`;
}

/** `troupe backup FILE [flags]` */
export function usageOf(path: string, { operands, flags, verbs, run }: Command): string {
  const verb = verbs === undefined ? [] : [run === undefined ? Object.keys(verbs).join("|") : `[${Object.keys(verbs).join("|")}]`];
  const flagged = Object.keys(flags).length > 0 && operands?.endsWith("[flags]") !== true ? ["[flags]"] : [];
  return ["troupe", path, ...verb, ...(operands === undefined ? [] : [operands]), ...flagged].join(" ");
}

/** Flags by their sections, in the order in which these come. */
export function sectionsOf(flags: Flags): ReadonlyMap<string, readonly (readonly [string, Flag])[]> {
  return Map.groupBy(Object.entries(flags), ([, { section = "" }]) => section);
}

/** `-o, --output json|table` */
export function flagUsage(name: string, { short, value }: Flag): string {
  return `${short === undefined ? "" : `-${short}, `}--${name}${value === undefined ? "" : ` ${value}`}`;
}

/** What a flag does, with its choices and its default. */
export function flagText({ help, value, choices, default: preset, many }: Flag): string {
  const shown = choices !== undefined && value !== choices.join("|") ? `: ${choices.join(", ")}` : "";
  const facts = [...(preset === undefined ? [] : [`default ${preset}`]), ...(many ? ["more than once if wanted"] : [])];
  return `${help}${shown}${facts.length === 0 ? "" : ` (${facts.join("; ")})`}`;
}

function beside(left: string, text: string): string[] {
  const lines = wrap(text, WIDTH - TEXT_COLUMN);
  const first = left.length + 3 < TEXT_COLUMN ? `  ${left}`.padEnd(TEXT_COLUMN) + (lines.shift() ?? "") : `  ${left}`;
  return [first.trimEnd(), ...lines.map((line) => " ".repeat(TEXT_COLUMN) + line)].filter((line) => line !== "");
}

function heading(text: string): string {
  return styleText("bold", text);
}
