import { expect, test } from "vitest";
import { goPattern } from "../../../../actors/kinds/custom/patterns.ts";

test.each(["(a+)+$", "^(a|aa)+$", "(.*a){12}$", "^(é+)+$"])("no text makes %s take for ever", (pattern) => {
  const text = `${"a".repeat(5_000)}!${"é".repeat(5_000)}!`;
  expect(goPattern(pattern)?.test(text)).toBe(false);
});

test.each(["(?=a)b", "(?<!a)b", "(a)\\1", "(?P<x>a)\\k<x>", "\\p{L}(a+)+$"])("%s is refused", (pattern) => {
  expect(goPattern(pattern)).toBeUndefined();
});

test.each([
  ["(?i)^abc$", "ABC", true],
  ["^\\p{Greek}+$", "αβγ", true],
  ["^(?P<year>[[:digit:]]{4})$", "2026", true],
  ["\\A[a-z]+\\z", "abc\n", false],
])("%s on %s: %s", (pattern, text, matches) => {
  const unicodeScript = pattern.replace("\\p{Greek}", "\\p{Script=Greek}");
  expect(goPattern(unicodeScript)?.test(text)).toBe(matches);
});
