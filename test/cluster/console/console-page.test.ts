import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { consolePage } from "../../../cluster/console/console-page.ts";

const { html, headers } = consolePage('1.2.3"><b>', "1.34");
const policy = headers["Content-Security-Policy"] ?? "";

test.each(["style", "script"])("the page's %s is the one that its policy allows", (element) => {
  const text = new RegExp(`<${element}>([\\s\\S]*?)</${element}>`).exec(html)?.[1] ?? "";
  expect(text).not.toBe("");
  expect(policy).toContain(`${element}-src 'sha256-${createHash("sha256").update(text).digest("base64")}'`);
});

test("nothing is loaded from anywhere else", () => {
  expect(html).not.toMatch(/\b(src|href)=|https?:|@import|url\(/);
  expect(policy).toContain("default-src 'none'");
});

test("says which version it is, as text", () => {
  expect(html).toContain("1.2.3&#34;&#62;&#60;b&#62;, Kubernetes API 1.34");
  expect(html).not.toContain("<b>");
});
