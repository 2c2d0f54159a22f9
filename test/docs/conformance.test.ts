import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "../..");
const PARITY = join(ROOT, "test/parity");
/** Where the names of recorded cases are, by the test that replays them. */
const RECORDINGS: Readonly<Record<string, string>> = {
  "test/cluster/gateway/parity.test.ts": "api.jsonl",
  "test/scenarios/settling.test.ts": "controllers.jsonl.gz",
};

const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");

/** The names of all of Kubernetes 1.34's conformance tests. */
const tests = read("test/docs/conformance-tests.txt").trimEnd().split("\n");

interface Row {
  readonly name: string;
  readonly ours: readonly (readonly [file: string, title: string])[];
  readonly leftOut: string;
}

/** The rows of the page, with their names as Kubernetes has them. */
function rows(): readonly Row[] {
  return read("docs/conformance.md")
    .split(/^## /m)
    .slice(1)
    .flatMap((section) => {
      const sig = /\[(sig-[a-z-]+)\]/.exec(section)?.[1];
      const lines = section
        .split("\n")
        .filter((line) => line.startsWith("| ") && !line.startsWith("| conformance test") && !line.startsWith("| ---"));
      return lines.map((line): Row => {
        const [name = "", ours = "", leftOut = ""] = line.slice(2, -2).split(" | ");
        const cited = [...ours.matchAll(/`(test\/[^`]+)`: (.*?)(?:<br>|$)/g)].map(([, file = "", title = ""]) => [file, title] as const);
        return { name: `[${sig}] ${name} [Conformance]`, ours: cited, leftOut };
      });
    });
}

function isThere(file: string, title: string): boolean {
  if (!existsSync(join(ROOT, file))) return false;
  const recording = RECORDINGS[file];
  if (recording === undefined) return read(file).includes(title);
  const bytes = readFileSync(join(PARITY, recording));
  const text = recording.endsWith(".gz") ? gunzipSync(bytes).toString() : bytes.toString();
  return text.includes(`"name":"${title}"`);
}

describe("docs/conformance.md", () => {
  test("has each test of the list, once", () => {
    expect(
      rows()
        .map(({ name }) => name)
        .sort(),
    ).toEqual([...tests].sort());
  });

  test.each(rows())("$name", ({ ours, leftOut }) => {
    expect(ours.length > 0 || leftOut.trim() !== "", "neither a test of ours nor a reason").toBe(true);
    expect(ours.filter(([file, title]) => !isThere(file, title))).toEqual([]);
  });
});
