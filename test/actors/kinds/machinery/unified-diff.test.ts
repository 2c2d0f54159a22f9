import { describe, expect, test } from "vitest";
import { unifiedDiff } from "../../../../actors/kinds/machinery/unified-diff.ts";

/** Lines that all differ, so that each may begin a run of equal ones. */
function numbered(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `line ${index}`);
}

/** What Python's difflib.unified_diff says of the same texts, without the names of the files. */
describe("a unified diff", () => {
  test("of equal texts is empty", () => expect(unifiedDiff("a\nb", "a\nb")).toBe(""));

  test("shows three lines around what changed, and where it stands", () => {
    const lines = numbered(9);
    const changed = lines.with(4, "other");
    expect(unifiedDiff(lines.join("\n"), changed.join("\n"))).toBe(
      "@@ -2,7 +2,7 @@\n line 1\n line 2\n line 3\n-line 4\n+other\n line 5\n line 6\n line 7\n",
    );
  });

  test("has groups of their own for what is more than six lines apart", () => {
    const lines = numbered(20);
    const changed = lines.with(0, "first").with(19, "last");
    const text = unifiedDiff(lines.join("\n"), changed.join("\n"));
    expect(text.match(/^@@.*@@$/gm)).toEqual(["@@ -1,4 +1,4 @@", "@@ -17,4 +17,4 @@"]);
  });

  test("joins what is six lines apart", () => {
    const lines = numbered(20);
    const changed = lines.with(3, "one").with(10, "two");
    expect(unifiedDiff(lines.join("\n"), changed.join("\n")).match(/^@@/gm)).toHaveLength(1);
  });

  test("says one line without a count, and none as the line before", () => {
    expect(unifiedDiff("a", "b")).toBe("@@ -1 +1 @@\n-a\n+b\n");
    expect(unifiedDiff("a\nb", "a")).toBe("@@ -1,2 +1 @@\n a\n-b\n");
  });

  test("takes the longest run, not the shortest difference", () => {
    expect(unifiedDiff("a\nb", "a\nc\na\nb")).toBe("@@ -1,2 +1,4 @@\n+a\n+c\n a\n b\n");
  });

  test("lets no line that comes again and again begin a run in a long text", () => {
    const same = Array.from({ length: 200 }, () => "null,");
    // One of 200 equal lines went. Nothing else could have begun a run, so all of them went and came.
    const text = unifiedDiff(["{", ...same].join("\n"), [...same, "}"].join("\n"));
    expect(text.match(/^-/gm)).toHaveLength(1 + 200);
    expect(text.match(/^\+/gm)).toHaveLength(200 + 1);
  });
});
