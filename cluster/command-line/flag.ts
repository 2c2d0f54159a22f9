import { parseArgs } from "node:util";
import { nearest } from "./nearest.ts";
import { WrongUsage } from "./wrong-usage.ts";

/** A flag of a command: what parsing, help, completion and docs/command-line.md know of it. Its name, without dashes, is its key. */
export interface Flag {
  readonly short?: string;
  /** What it takes, as help names it; `FILE` and `DIR` are completed as such. Undefined: a switch, which takes nothing. */
  readonly value?: string;
  /** Of a flag that is not given. */
  readonly default?: string;
  /** It may be given more than once. */
  readonly many?: true;
  /** All values that it takes, where they can be counted. */
  readonly choices?: readonly string[];
  /** One sentence, without a capital at its beginning or a full stop. */
  readonly help: string;
  /** The heading that it stands under, where a command has more flags than one looks through. */
  readonly section?: string;
}

export type Flags = Readonly<Record<string, Flag>>;

/** What a command line gave to flags. */
export type Values<F extends Flags> = {
  readonly [Name in keyof F]: F[Name] extends { readonly value: string }
    ? F[Name] extends { readonly many: true }
      ? readonly string[]
      : F[Name] extends { readonly default: string }
        ? string
        : string | undefined
    : boolean;
};

/** The data directory of a cluster: nearly every command's. */
export const DATA: { readonly value: "DIR"; readonly default: ".troupe"; readonly help: string } = {
  value: "DIR",
  default: ".troupe",
  help: "the data directory of the cluster",
};

/** Of commands that talk to the API as whom the kubeconfig says. */
export const KUBECONFIG: { readonly value: "FILE"; readonly help: string } = {
  value: "FILE",
  help: "whom to be to the cluster (the administrator of --data, if not given)",
};

/** Reads the arguments of `troupe COMMAND`, which takes flags alone. Throws WrongUsage. */
export function parseFlags<F extends Flags>(command: string, flags: F, args: readonly string[]): Values<F> {
  return parse(command, flags, args, false).values;
}

/** The same for a command that takes operands, too. Throws WrongUsage. */
export function parseOperands<F extends Flags>(
  command: string,
  flags: F,
  args: readonly string[],
): { readonly values: Values<F>; readonly operands: readonly string[] } {
  return parse(command, flags, args, true);
}

function parse<F extends Flags>(
  command: string,
  flags: F,
  args: readonly string[],
  allowPositionals: boolean,
): { readonly values: Values<F>; readonly operands: readonly string[] } {
  try {
    const { values, positionals } = parseArgs({ args: [...args], strict: true, allowPositionals, options: optionsOf(flags) });
    return { values: values as Values<F>, operands: positionals };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    // The rest of what parseArgs says is advice about other ways to write it.
    const wrong = message.split(/\.?\s*\n|\. /)[0] ?? message;
    const unknown = code === "ERR_PARSE_ARGS_UNKNOWN_OPTION" ? /'(-.*)'/.exec(wrong)?.[1] : undefined;
    const meant = unknown === undefined ? undefined : nearest(unknown, writtenNames(flags));
    throw new WrongUsage(`${wrong}${meant === undefined ? "" : ` (did you mean ${meant}?)`}; see troupe help ${command}`);
  }
}

interface Option {
  type: "string" | "boolean";
  short?: string;
  default?: string | boolean | string[];
  multiple?: boolean;
}

function optionsOf(flags: Flags): Record<string, Option> {
  const entries = Object.entries(flags).map(([name, flag]): [string, Option] => {
    const short = flag.short === undefined ? {} : { short: flag.short };
    if (flag.value === undefined) return [name, { type: "boolean", default: false, ...short }];
    if (flag.many) return [name, { type: "string", multiple: true, default: [], ...short }];
    return [name, { type: "string", ...short, ...(flag.default === undefined ? {} : { default: flag.default }) }];
  });
  return Object.fromEntries(entries);
}

/** `--nodes`, `-o`: as flags are typed. */
export function writtenNames(flags: Flags): readonly string[] {
  return Object.entries(flags).flatMap(([name, { short }]) => (short === undefined ? [`--${name}`] : [`-${short}`, `--${name}`]));
}
