import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FETCH_MS } from "../../clients/fetched-clients.ts";
import type { Troupe } from "../troupe.ts";
import { administratorToken } from "./administrator.ts";
import { expectAccessible, openTab, startBrowser, type Tab } from "./browser.ts";

/** Prints, and fails now and then; a second line of it needs what a terminal would make of the first. */
const TALKS =
  "echo first $POD_IP; i=0; while true; do i=$((i+1)); echo line $i; [ $((i % 5)) = 0 ] && printf '\\033[31merror\\033[0m at %s\\n' $i; sleep 0.1; done";

/** Logs and terminals of the console, on a cluster whose pods are processes. */
export function describeConsoleStreams(cluster: () => Troupe): void {
  describe("in the console", () => {
    let browser: Browser | undefined;
    let tab: Tab;
    let page: Page;
    const open = (path: string): Promise<unknown> => page.goto(`${cluster().console}${path}`);

    beforeAll(async () => {
      const { kubectl, console: address, ...troupe } = cluster();
      await kubectl.ok(["run", "talks", "--image=busybox", "--command", "--", "sh", "-c", TALKS]);
      await kubectl.ok(["wait", "--for=condition=Ready", "pod/talks", "--timeout=120s"]);
      const started = await startBrowser();
      if (typeof started === "string") return;
      browser = started;
      tab = await openTab(started);
      page = tab.page;
      page.setDefaultTimeout(15_000);
      await page.goto(`${address}pods/default/talks#token=${await administratorToken({ ...troupe, console: address })}`);
    }, FETCH_MS);
    afterAll(async () => {
      await browser?.close();
      await cluster().kubectl.ok(["delete", "pod", "talks", "--wait=false"]);
    });

    test("logs: followed, searched, filtered, saved", async ({ skip }) => {
      if (browser === undefined) skip("there is no browser here");
      await page.getByRole("tab", { name: "Logs" }).click();
      const log = page.getByRole("log");
      await log
        .getByText(/^line \d\d/)
        .last()
        .waitFor();
      await page.getByLabel("Search the log").fill("error");
      await log.locator("mark", { hasText: "error" }).first().waitFor();
      await page.getByRole("button", { name: "Only matches" }).click();
      await log.getByText(/^line/).first().waitFor({ state: "detached" });
      await log
        .getByText(/^error at \d+$/)
        .last()
        .waitFor();
      await expectAccessible(page);
      const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Download" }).click()]);
      expect(download.suggestedFilename()).toBe("talks-talks.log");
      await page.getByLabel("Search the log").fill("");
      await page.getByRole("button", { name: "Previous" }).click();
      await page.getByRole("alert").getByText('previous terminated container "talks" in pod "talks" not found').waitFor();
    });

    test("a terminal: typed into, coloured, as large as its place, ended by its exit code", async ({ skip }) => {
      if (browser === undefined) skip("there is no browser here");
      await open("pods/default/talks?part=terminal");
      await page.getByRole("button", { name: "Open", exact: true }).click();
      await page.getByText("In talks").waitFor();
      const screen = page.locator(".xterm-rows");
      await screen
        .getByText(/[#$] ?$/)
        .first()
        .waitFor();
      await page.keyboard.type("echo is $((6*7)) $(stty size); printf '\\033[38;2;200;30;30mred\\033[0m\\n'\n");
      await screen.getByText(/^is 42 \d{2} \d{2,3}$/).waitFor();
      await screen.getByText("red", { exact: true }).waitFor();
      await expectAccessible(page);
      await page.keyboard.type("exit 3\n");
      await page.getByText("The command has ended with exit code 3.").waitFor();
      // Of a log that is not there the browser tells, too.
      expect(tab.complaints.filter((text) => !/status of 400/.test(text))).toEqual([]);
    });
  });
}
