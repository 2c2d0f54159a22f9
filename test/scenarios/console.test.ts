import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FETCH_MS } from "../clients/fetched-clients.ts";
import { administratorToken } from "./console/administrator.ts";
import { expectAccessible, openTab, startBrowser } from "./console/browser.ts";
import { freshDataDirectory, Troupe } from "./troupe.ts";

const browser = await startBrowser();
const reason = typeof browser === "string" ? ` (not here: ${browser})` : "";

/** The console as people see it, in Debian's Chromium. */
describe.skipIf(typeof browser === "string")(`the console${reason}`, () => {
  if (typeof browser === "string") return;
  let troupe: Troupe;
  let token: string;

  beforeAll(async () => {
    troupe = await Troupe.up(freshDataDirectory(), ["--nodes", "20"]);
    token = await administratorToken(troupe);
  }, FETCH_MS);
  afterAll(async () => {
    await browser.close();
    await troupe?.discard();
  });

  test("a token signs in, and nothing else does", async () => {
    const { page, context, complaints } = await openTab(browser);
    await page.goto(troupe.console);
    await page.getByLabel("bearer token").fill("no-such-token");
    await page.keyboard.press("Enter");
    await page.getByRole("alert").filter({ hasText: "does not know this token" }).waitFor();
    await expectAccessible(page);
    await page.getByLabel("bearer token").fill(token);
    await page.keyboard.press("Enter");
    await page.getByRole("navigation", { name: "Views" }).waitFor();
    expect(complaints.filter((text) => !text.includes("401"))).toEqual([]);
    await context.close();
  });

  test("a token in the fragment signs in, and is nowhere in the address or its history", async () => {
    const { page, context, complaints } = await openTab(browser);
    await page.goto(`${troupe.console}health#token=${token}`);
    await page.getByRole("cell", { name: "ping", exact: true }).waitFor();
    expect(page.url()).toBe(`${troupe.console}health`);
    await page.reload();
    await page.getByRole("cell", { name: "ping", exact: true }).waitFor();
    await expectAccessible(page);
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByLabel("bearer token").waitFor();
    await page.reload();
    await page.getByLabel("bearer token").waitFor();
    expect(complaints).toEqual([]);
    await context.close();
  });
});
