import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export const ROOT: string = join(import.meta.dirname, "../..");

/** A fenced block of a chapter. */
export interface Block {
  readonly chapter: string;
  /** Of its first line. */
  readonly line: number;
  readonly language: string;
  readonly text: string;
  /** The comment above it, which readers do not see: why it is not run, or which test runs its commands. */
  readonly mark: { readonly kind: "not run" | "run by"; readonly says: string } | undefined;
}

/** README.md and all of docs/ but the decisions, which tell no one what to type. */
export function chapters(): readonly string[] {
  const docs = readdirSync(join(ROOT, "docs")).filter((name) => name.endsWith(".md"));
  return ["README.md", ...docs.map((name) => `docs/${name}`).sort()];
}

export function textOf(chapter: string): string {
  return readFileSync(join(ROOT, chapter), "utf8");
}

export function blocksOf(chapter: string): readonly Block[] {
  const blocks: Block[] = [];
  const lines = textOf(chapter).split("\n");
  for (let at = 0; at < lines.length; at++) {
    const opened = /^( *)```(\S*)/.exec(lines[at] ?? "");
    if (opened === null) continue;
    const end = lines.indexOf(`${opened[1]}\`\`\``, at + 1);
    if (end < 0) throw new Error(`${chapter}:${at + 1}: a block without an end`);
    const mark = /^ *<!-- (not run|run by): (.*) -->$/.exec(lines[at - 1] ?? "");
    blocks.push({
      chapter,
      line: at + 2,
      language: opened[2] ?? "",
      text: lines.slice(at + 1, end).join("\n"),
      mark: mark === null ? undefined : { kind: mark[1] as "not run" | "run by", says: mark[2] ?? "" },
    });
    at = end;
  }
  return blocks;
}

/** Blocks whose commands a reader types, and that are run as they stand. */
export function blocksToRun(chapter: string): readonly Block[] {
  return blocksOf(chapter).filter(({ language, mark }) => language === "sh" && mark === undefined);
}

/** Readers who begin with an empty folder and go through these chapters one after another, with what they have started and set before. */
export const READERS: Readonly<Record<string, readonly string[]>> = {
  "who begins": ["README.md", "docs/getting-started.md"],
  "of hollow nodes": [
    "docs/operating.md",
    "docs/scaling.md",
    "docs/console.md",
    "docs/nats.md",
    "docs/hollow-nodes.md",
    "docs/scheduling.md",
    "docs/security.md",
    "docs/writing-a-controller.md",
    "docs/load-driver.md",
    "docs/simulator.md",
  ],
  "of real pods": ["docs/processes.md", "docs/volumes.md"],
};
