import { type Content, contentOf, type Place, quoted, typedFlags } from "./place.ts";

/** What bash sources to complete the words of `troupe`. It wants nothing but bash itself, from 3.2 on. */
export function bashCompletion(places: readonly Place[]): string {
  const paths = places.filter(({ path }) => path.length > 0).map(({ path }) => path.join(" "));
  const patterns = (of: readonly string[]): string => of.map(quoted).join("|");
  const values = places.flatMap(({ path, flags }) =>
    typedFlags(flags).flatMap(([name, flag]) => {
      if (flag.value === undefined) return [];
      const what = flag.choices === undefined ? contents(contentOf(flag.value)) : words(flag.choices);
      return [{ pattern: `${path.join(" ")} ${name}`, what }];
    }),
  );
  const byWhat = [...Map.groupBy(values, ({ what }) => what)].map(
    ([what, all]) => `    ${patterns(all.map(({ pattern }) => pattern))}) ${what}; return ;;`,
  );
  const flags = places.map(({ path, flags: own }) => {
    const names = [...typedFlags(own).map(([name]) => name), "--help"];
    return `      ${quoted(path.join(" "))}) ${words(names)} ;;`;
  });
  const operands = places.map(({ path, words: known, operand }) => {
    const names = Object.keys(known);
    return `      ${quoted(path.join(" "))}) ${names.length > 0 ? words(names) : contents(operand)} ;;`;
  });
  return `# bash completion of troupe: source <(troupe completion bash)
_troupe_words() { local IFS=$'\\n'; COMPREPLY=($(compgen -W "\${1// /$'\\n'}" -- "$current")); }
_troupe_paths() { local IFS=$'\\n'; compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen "$1" -- "$current")); }
_troupe() {
  local current=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} path= index
  COMPREPLY=()
  for ((index = 1; index < COMP_CWORD; index++)); do
    case "\${path:+$path }\${COMP_WORDS[index]}" in
      ${patterns(paths)}) path="\${path:+$path }\${COMP_WORDS[index]}" ;;
    esac
  done
  # bash takes the = of --flag=value for a word of its own.
  if [[ $current == = ]]; then current=; elif [[ $before == = ]]; then before=\${COMP_WORDS[COMP_CWORD-2]}; fi
  case "$path $before" in
${byWhat.join("\n")}
  esac
  if [[ $current == -* ]]; then
    case "$path" in
${flags.join("\n")}
    esac
  else
    case "$path" in
${operands.join("\n")}
    esac
  fi
}
complete -F _troupe troupe
`;
}

function words(all: readonly string[]): string {
  return `_troupe_words ${quoted(all.join(" "))}`;
}

function contents(content: Content): string {
  switch (content) {
    case "files":
      return "_troupe_paths -f";
    case "directories":
      return "_troupe_paths -d";
    case "nothing":
      return ":";
  }
}
