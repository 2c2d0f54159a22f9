import { join } from "node:path";
import ts from "typescript";
import { formats } from "./formats.ts";
import { answers, messages, withoutUnknownMessage } from "./messages.ts";
import { PlainTypes } from "./plain-types.ts";
import { samples } from "./samples.ts";
import { subjects } from "./subjects.ts";

export const REGENERATE = "npm run contracts";

/** The folders whose code runs in a cluster, and the one among them whose code does not. */
const FOLDERS = ["runtime/", "actors/", "cluster/"];
const NOT_IN_A_CLUSTER = "runtime/simulator/";

const ROOT: string = join(import.meta.dirname, "../..");
/** In docs/: it is of the whole house, and runtime/ knows nothing of the rest. */
export const CONTRACTS_FILE: string = join(ROOT, "docs/contracts.txt");

const HEAD = `# What crosses a wire or lies on a disk. Generated from the sources by \`${REGENERATE}\`; a test fails when it is not up to date.
# Review a change of it as hosts of the version before will meet it: they read frames and the log that the new version wrote.`;

export interface Contracts {
  readonly text: string;
  /** Messages that are not plain data, and names that the sources do not tell. */
  readonly faults: readonly string[];
  /** Actors whose handler does not end in `unknownMessage`. */
  readonly unguarded: readonly string[];
}

/** The contracts of the whole house. Takes seconds: it needs the types of everything. */
export function contracts(): Contracts {
  const config = ts.readConfigFile(join(ROOT, "tsconfig.json"), ts.sys.readFile);
  const { fileNames, options } = ts.parseJsonConfigFileContent(config.config, ts.sys, ROOT);
  const isOf = (name: string, folder: string): boolean => name.startsWith(join(ROOT, folder));
  const wanted = fileNames.filter((name) => FOLDERS.some((folder) => isOf(name, folder)) && !isOf(name, NOT_IN_A_CLUSTER));
  return contractsOf(ts.createProgram(wanted, options), wanted, samples());
}

/** The contracts of these files of a program. */
export function contractsOf(program: ts.Program, names: readonly string[], sampled: readonly string[] = []): Contracts {
  const checker = program.getTypeChecker();
  const files = names.map((name) => program.getSourceFile(name)).filter((file) => file !== undefined);
  const types = new PlainTypes(checker);
  const sections = [
    ["Messages", messages(files, checker, types).join("\n")],
    ["Answers to asks", answers(files, checker, types).join("\n")],
    ["Types of messages and answers", types.definitions().join("\n")],
    ["Formats", formats(files, checker).join("\n\n")],
    ["NATS", subjects(files, checker).join("\n")],
    ["Samples", sampled.join("\n\n")],
  ];
  const text = [HEAD, ...sections.map(([title, body]) => `## ${title}\n\n${body}`)].join("\n\n");
  return { text: `${text}\n`, faults: types.faults, unguarded: withoutUnknownMessage(files, checker) };
}
