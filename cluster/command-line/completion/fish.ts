import type { Flag } from "../flag.ts";
import { type Content, contentOf, type Place } from "./place.ts";

/** What fish sources to complete the words of `troupe`. */
export function fishCompletion(places: readonly Place[]): string {
  const lines = places.flatMap((place) => {
    const when = conditionOf(place);
    const words = Object.entries(place.words).map(([word, says]) => `complete -c troupe -n ${when} -a ${word} -d ${quoted(says)}`);
    const flags = Object.entries(place.flags).map(([name, flag]) => flagLine(when, name, flag));
    const paths = place.operand === "nothing" ? [] : [`complete -c troupe -n ${when} ${contents(place.operand)}`];
    return [...words, ...paths, ...flags];
  });
  return `# fish completion of troupe: troupe completion fish | source
complete -c troupe -f
complete -c troupe -l help -d 'say all of this command'
${lines.join("\n")}
`;
}

/** Whether the words before the cursor lead to a place, and no further. */
function conditionOf({ path, words, leads }: Place): string {
  if (path.length === 0) return "__fish_use_subcommand";
  const there = path.map((word) => `__fish_seen_subcommand_from ${word}`);
  return quoted([...there, ...(leads ? [`not __fish_seen_subcommand_from ${Object.keys(words).join(" ")}`] : [])].join("; and "));
}

function flagLine(when: string, name: string, { short, value, choices, help }: Flag): string {
  const names = `-l ${name}${short === undefined ? "" : ` -s ${short}`}`;
  const takes = value === undefined ? "" : choices === undefined ? ` ${contents(contentOf(value))}` : ` -x -a ${quoted(choices.join(" "))}`;
  return `complete -c troupe -n ${when} ${names}${takes} -d ${quoted(help)}`;
}

function contents(content: Content): string {
  switch (content) {
    case "files":
      return "-r -F";
    case "directories":
      return "-x -a '(__fish_complete_directories)'";
    case "nothing":
      return "-x";
  }
}

/** fish knows a backslash in single quotes. */
function quoted(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
