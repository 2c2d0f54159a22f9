import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fetchedBy } from "./fetched-by.ts";

/** What `fetch-patroni.mjs` prints. */
export interface FetchedPatroni {
  readonly python: string;
  readonly pythonPath: string;
  readonly patroni: string;
  readonly postgresBin: string;
}

/** Where Patroni was unpacked; why there is none, on machines that cannot have it. */
export async function fetchedPatroni(): Promise<FetchedPatroni | string> {
  return fetchedBy<FetchedPatroni>("fetch-patroni.mjs");
}

/** Makes `directory`, with a program `patroni` that whoever may look into it can run: they cannot look into root's cache. */
export function installPatroni({ python, pythonPath, patroni }: FetchedPatroni, directory: string): string {
  const paths = pythonPath.split(delimiter).map((path, index) => {
    const copy = join(directory, "python", String(index));
    cpSync(path, copy, { recursive: true });
    return copy;
  });
  const script = join(directory, "python/run");
  cpSync(patroni, script);
  mkdirSync(join(directory, "bin"));
  const program = join(directory, "bin/patroni");
  writeFileSync(program, `#!/bin/sh\nPYTHONPATH=${paths.join(delimiter)} exec ${python} ${script} "$@"\n`, { mode: 0o755 });
  return program;
}
