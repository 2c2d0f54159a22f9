import type { Flag } from "../flag.ts";
import { type Content, contentOf, type Place, quoted } from "./place.ts";

/** What zsh loads to complete the words of `troupe`: from a directory of \`fpath\` as \`_troupe\`, or sourced after compinit. */
export function zshCompletion(places: readonly Place[]): string {
  return `#compdef troupe
# zsh completion of troupe: source <(troupe completion zsh), after compinit; or write it to a file _troupe in a directory of fpath
${places.map((place) => functionOf(place)).join("")}if [ "$funcstack[1]" = _troupe ]; then _troupe "$@"; else compdef _troupe troupe; fi
`;
}

function functionOf(place: Place): string {
  const { path, flags, words, leads, operand } = place;
  const specs = [...Object.entries(flags).flatMap(([name, flag]) => flagSpecs(name, flag)), quoted("(- *)--help[say all of this command]")];
  if (!leads) {
    const names = Object.keys(words);
    if (names.length > 0) specs.push(quoted(`1:${path.at(-1)}:(${names.join(" ")})`));
    else if (operand !== "nothing") specs.push(quoted(`*:${path.at(-1)}:${action(operand)}`));
    return `${nameOf(path)}() {
  _arguments -s ${specs.join(" ")}
}
`;
  }
  const described = Object.entries(words).map(([word, says]) => quoted(`${word}:${says}`));
  const cases = Object.keys(words).map((word) => `    ${word}) ${nameOf([...path, word])} ;;`);
  return `${nameOf(path)}() {
  local curcontext=$curcontext state line
  local -a known=(${described.join(" ")})
  _arguments -C -s ${specs.join(" ")} '1: :->word' '*:: :->rest'
  case $state in
    word) _describe command known ;;
    rest) case $line[1] in
${cases.join("\n")}
    esac ;;
  esac
}
`;
}

function nameOf(path: readonly string[]): string {
  return ["_troupe", ...path].join("-").replace("_troupe-", "_troupe_");
}

function flagSpecs(name: string, { short, value, choices, many, help }: Flag): readonly string[] {
  const text = `[${help.replace(/[\\[\]]/g, "\\$&")}]`;
  const takes =
    value === undefined
      ? ""
      : `:${value.replaceAll(":", "\\:")}:${choices === undefined ? action(contentOf(value)) : `(${choices.join(" ")})`}`;
  const long = `--${name}${value === undefined ? "" : "="}`;
  if (many) return [...(short === undefined ? [] : [quoted(`*-${short}+${text}${takes}`)]), quoted(`*${long}${text}${takes}`)];
  if (short === undefined) return [quoted(`${long}${text}${takes}`)];
  const apart = `(-${short} --${name})`;
  return [quoted(`${apart}-${short}${value === undefined ? "" : "+"}${text}${takes}`), quoted(`${apart}${long}${text}${takes}`)];
}

function action(content: Content): string {
  switch (content) {
    case "files":
      return "_files";
    case "directories":
      return "_files -/";
    case "nothing":
      return " ";
  }
}
