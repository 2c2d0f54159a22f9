import { brotliDecompressSync } from "node:zlib";
import { expect, test } from "vitest";
import { Site } from "../../../cluster/console/site.ts";
import type { Answer } from "../../../cluster/gateway/answer.ts";

/** What issue and book promise of all that the console is, compressed. */
const BYTES_MAX = 300 * 1024;

const site = new Site();

async function get(
  path: string,
  headers: { "accept-encoding"?: string; "if-none-match"?: string } = {},
): Promise<Answer & { type: "bytes" }> {
  const answer = await site.answer(path, headers);
  if (answer.type !== "bytes") throw new Error(`${path} was answered with ${answer.type}`);
  return answer;
}

const page = await get("");
const html = page.bytes.toString();
const modules = [...html.matchAll(/(?:href|src)="\/console\/([^"]+)"/g)].map(([, path = ""]) => path);

test("every address of a view is the one page, and what it names is there", async () => {
  expect((await get("nodes/a")).bytes.toString()).toBe(html);
  expect(modules).toContain("web/main.ts");
  for (const path of modules) expect((await get(path)).bytes.length).toBeGreaterThan(0);
});

test("modules come without their types, and import what is there", async () => {
  for (const path of modules.filter((each) => each.endsWith(".ts"))) {
    const { bytes, contentType } = await get(path);
    expect(contentType).toBe("text/javascript; charset=utf-8");
    const text = bytes.toString();
    expect(text).not.toMatch(/^\s*import type/m);
    for (const [, specifier = ""] of text.matchAll(/(?:from|import\()\s*"(\.[^"]+)"/g))
      await get(new URL(specifier, `https://console/${path}`).pathname.slice(1));
  }
});

test("nothing else is: no path leads into the file system", async () => {
  for (const path of ["web/../site.ts", "web/tsconfig.json", "web//main.ts", "web/", "lib/lit-html/package.json"])
    expect(await site.answer(path, {})).toMatchObject({ type: "text", code: 404 });
});

test("nothing comes from elsewhere, and nothing inline but what the policy names", () => {
  expect(html).not.toMatch(/(?:href|src)="(?!\/console\/)|<style|\son\w+=/);
  const policy = page.headers?.["Content-Security-Policy"] ?? "";
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("frame-ancestors 'none'");
  expect(policy).not.toMatch(/unsafe|\*|https?:/);
  expect(page.headers).toMatchObject({ "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer" });
});

test("comes compressed, and not again to whoever has it", async () => {
  const compressed = await get("web/main.ts", { "accept-encoding": "gzip, br" });
  expect(compressed.headers).toMatchObject({ "Content-Encoding": "br", Vary: "Accept-Encoding" });
  expect(brotliDecompressSync(compressed.bytes)).toEqual((await get("web/main.ts")).bytes);
  expect(await site.answer("web/main.ts", { "if-none-match": compressed.headers?.ETag ?? "" })).toMatchObject({ type: "unchanged" });
});

test("all of it is small", async () => {
  let bytes = 0;
  for (const path of await site.paths()) bytes += (await get(path, { "accept-encoding": "br" })).bytes.length;
  expect(bytes).toBeGreaterThan(20_000);
  expect(bytes).toBeLessThan(BYTES_MAX);
});
