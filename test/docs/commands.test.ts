import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { COMMANDS } from "../../cluster/command-line/commands.ts";
import { blocksOf, blocksToRun, chapters, READERS, ROOT, textOf } from "./book.ts";

const LANGUAGES = ["sh", "text", "yaml", "ts", "js", "json", "csv", "python"];
/** A reason is a sentence. */
const REASON_WORDS_MIN = 4;

const isThere = (path: string): boolean => existsSync(join(ROOT, path));

describe("commands of the book", () => {
  test.each(chapters())("%s: each block says what it is, and each of commands is run, or says by whom or why not", (chapter) => {
    const wrong = blocksOf(chapter).flatMap(({ line, language, text, mark }) => {
      const problem = !LANGUAGES.includes(language)
        ? `language "${language}"`
        : mark === undefined
          ? undefined
          : language !== "sh"
            ? "a mark on what nobody types"
            : mark.kind === "not run"
              ? unreasonable(mark.says)
              : unproven(chapter, text, mark.says);
      return problem ? [`${chapter}:${line}: ${problem}`] : [];
    });
    expect(wrong).toEqual([]);
  });

  test("every chapter with commands to run has a reader", () => {
    const read = Object.values(READERS).flat();
    expect(chapters().filter((chapter) => blocksToRun(chapter).length > 0 && !read.includes(chapter))).toEqual([]);
    expect(read.filter((chapter, index) => read.indexOf(chapter) !== index || !isThere(chapter))).toEqual([]);
  });

  test("commands that are named in sentences are there", () => {
    const named = [...chapters(), "CONTRIBUTING.md"].flatMap((chapter) =>
      [...textOf(chapter).matchAll(/`(?:npm run (?:--silent )?troupe -- |npx troupe |troupe )([a-z][a-z-]*)/g)].map(([, name = ""]) => ({
        chapter,
        name,
      })),
    );
    expect(named.length).toBeGreaterThan(20);
    expect(named.filter(({ name }) => !Object.hasOwn(COMMANDS, name))).toEqual([]);
  });
});

/** A reason that is no sentence, or names a test that is not there. */
function unreasonable(says: string): string | undefined {
  if (says.split(" ").length < REASON_WORDS_MIN) return "a reason that is no sentence";
  return [...says.matchAll(/test\/[\w./-]+/g)].map(([path]) => path).find((path) => !isThere(path));
}

/** What of a block is in none of the words of a test file that is said to run it. One that reads the chapter itself has all of them. */
function unproven(chapter: string, text: string, file: string): string | undefined {
  if (!isThere(file)) return `there is no ${file}`;
  const source = readFileSync(join(ROOT, file), "utf8");
  // It reads them where they stand.
  if (source.includes(`/${chapter}"), "utf8")`) || source.includes(`blocksOf("${chapter}")`)) return undefined;
  const words = wordsOf(source);
  const lines = text.split("\n").map((line) => wordsOf(line.replace(/(^|\s)#.*/, "")));
  const missing = lines.filter(
    (line) => line !== "" && !words.includes(line.replace(/^(kubectl|helm|npm run troupe --|npm start --) /, "")),
  );
  return missing.length > 0 ? `${file} does not run: ${missing.join("; ")}` : undefined;
}

/** Words with one blank between them, whether they are an array's or a line's. */
function wordsOf(text: string): string {
  return text.replaceAll(/[^\w./=:@{}%-]+/g, " ").trim();
}

describe("the book", () => {
  test("has each chapter in its table of contents", () => {
    const contents = textOf("docs/README.md");
    const all = chapters().filter((chapter) => chapter !== "README.md" && chapter !== "docs/README.md");
    expect(all.filter((chapter) => !contents.includes(`](${chapter.slice("docs/".length)}`))).toEqual([]);
  });

  test("has a number of its own for each decision, and no gap", () => {
    const decisions = readdirSync(join(ROOT, "docs/adr")).filter((name) => name !== "README.md");
    const numbers = decisions.map((name) => [Number(name.slice(0, 4)), Number(/^# (\d+)\./.exec(textOf(`docs/adr/${name}`))?.[1])]);
    expect(numbers.toSorted(([a = 0], [b = 0]) => a - b)).toEqual(decisions.map((_, index) => [index + 1, index + 1]));
  });

  test.each([...chapters(), "CONTRIBUTING.md", "ARCHITECTURE.md"])("%s: links lead somewhere", (chapter) => {
    const links = [...withoutCode(textOf(chapter)).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = ""]) => link);
    const dead = links.filter((link) => {
      if (/^https?:/.test(link)) return false;
      const [path = "", anchor] = link.split("#");
      const target = path === "" ? chapter : join(dirname(chapter), path);
      return !isThere(target) || (anchor !== undefined && !anchorsOf(target).has(anchor));
    });
    expect(dead).toEqual([]);
  });
});

function withoutCode(text: string): string {
  return text.replaceAll(/^ *```[\s\S]*?^ *```/gm, "").replaceAll(/`[^`\n]*`/g, "");
}

/** Of headings, as GitHub makes them. */
function anchorsOf(chapter: string): ReadonlySet<string> {
  const headings = [...textOf(chapter).matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) => heading.toLowerCase());
  return new Set(headings.map((heading) => heading.replaceAll(/[^\p{L}\p{N} _-]/gu, "").replaceAll(" ", "-")));
}
