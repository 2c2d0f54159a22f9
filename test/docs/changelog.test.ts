import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ROOT, textOf } from "./book.ts";

const SECTIONS = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"];
const SEMANTIC_VERSION = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)$/;

test("the changelog has what is unreleased first, then versions from the newest on, each with sections in order and bullets alone", () => {
  const [, ...releases] = textOf("CHANGELOG.md").split(/^## /m);
  const titles = releases.map((release) => /^\[(.+?)\]( - \d{4}-\d\d-\d\d)?\n/.exec(release)?.[1]);
  expect(titles[0]).toBe("Unreleased");
  const versions = titles.slice(1).map((title = "") => title.split(".").map(Number));
  expect(versions).toEqual(
    versions.toSorted((a, b) => (b[0] ?? 0) - (a[0] ?? 0) || (b[1] ?? 0) - (a[1] ?? 0) || (b[2] ?? 0) - (a[2] ?? 0)),
  );
  for (const release of releases) {
    const [, ...sections] = release.split(/^### /m);
    const names = sections.map((section) => section.slice(0, section.indexOf("\n")));
    expect(names).toEqual(SECTIONS.filter((name) => names.includes(name)));
    for (const section of sections)
      expect(
        section
          .trim()
          .split("\n")
          .slice(2)
          .filter((line) => !/^(- | {2}\S)/.test(line)),
      ).toEqual([]);
  }
});

test("the package has a semantic version", () => {
  const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { version: string };
  expect(version).toMatch(SEMANTIC_VERSION);
});
