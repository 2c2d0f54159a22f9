import type { Command, CommandTable } from "./command.ts";
import type { Flag } from "./flag.ts";
import { flagUsage, sectionsOf, usageOf } from "./help-text.ts";

/** For test/docs: why they are not run as the other commands of the book are. */
const EXAMPLES_MARK = "<!-- not run: test/cluster/command-line/command-line.test.ts holds each to the flags that there are -->";

/** docs/command-line.md: all commands with all their flags. */
export async function manual(table: CommandTable): Promise<string> {
  const commands = await Promise.all(Object.entries(table).map(async ([name, { load }]) => [name, await load()] as const));
  const contents = commands.map(([name, { summary }]) => `| [\`${name}\`](#troupe-${name}) | ${escaped(summary)} |`);
  const chapters = await Promise.all(commands.map(([name, command]) => chapter(name, command, "##")));
  return `# The command line

Generated from the table of commands (\`cluster/command-line/\`) by \`npm run command-line\`; a test fails when it is not up to date.

\`troupe COMMAND [flags]\`; in a clone of the repository \`npm run troupe -- COMMAND [flags]\`, and \`npm start -- [flags]\` for \`troupe up [flags]\`. \`troupe help COMMAND\` and
\`troupe COMMAND --help\` print what is below. A flag's value may follow it as a word or after \`=\`.

Answers are for people unless \`-o json\` or \`-o yaml\` asks for others, whose shapes are stable. They go to standard output; errors, and how far long work has come, to standard
error. Colours and progress are for terminals alone; \`NO_COLOR\` turns colours off everywhere, \`FORCE_COLOR=1\` on.

| exit code | meaning |
| --- | --- |
| 0 | done; of a cluster: it was told to stop, and stopped |
| 1 | failed; the last line on standard error says what was wrong, where, and what to do |
| 2 | wrong usage |
| 128 + n | ended by signal n |

| command | |
| --- | --- |
${contents.join("\n")}

${chapters.join("\n")}`;
}

async function chapter(path: string, command: Command, level: string): Promise<string> {
  const { summary, about, flags, choices, examples, verbs } = command;
  const blocks = [`${level} troupe ${path}`, `\`${usageOf(path, command)}\`: ${escaped(summary)}.`];
  if (about !== undefined) blocks.push(about);
  if (choices !== undefined && !path.startsWith("help")) {
    const rows = Object.entries(await choices()).map(([name, says]) => `| \`${name}\` | ${escaped(says)} |`);
    blocks.push(["| | |", "| --- | --- |", ...rows].join("\n"));
  }
  for (const [section, some] of sectionsOf(flags)) {
    const rows = some.map(([name, flag]) => `| \`${escaped(flagUsage(name, flag))}\` | ${presetOf(flag)} | ${meaningOf(flag)} |`);
    blocks.push([`| ${section === "" ? "flag" : section} | default | |`, "| --- | --- | --- |", ...rows].join("\n"));
  }
  if (examples !== undefined)
    blocks.push([EXAMPLES_MARK, "```sh", ...examples.map(({ line, does }) => `troupe ${line}   # ${does}`), "```"].join("\n"));
  const below = await Promise.all(Object.entries(verbs ?? {}).map(([verb, own]) => chapter(`${path} ${verb}`, own, `${level}#`)));
  return [`${blocks.join("\n\n")}\n`, ...below].join("\n");
}

function presetOf({ default: preset }: Flag): string {
  return preset === undefined ? "" : `\`${preset}\``;
}

function meaningOf({ help, value, choices, many }: Flag): string {
  const shown = choices === undefined || value === choices.join("|") ? "" : `: ${choices.map((choice) => `\`${choice}\``).join(", ")}`;
  return escaped(`${help}${shown}${many ? "; more than once if wanted" : ""}`);
}

/** A bar would end the cell of a table. */
function escaped(text: string): string {
  return text.replaceAll("|", "\\|");
}
