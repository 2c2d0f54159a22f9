import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FETCH_MS } from "../clients/fetched-clients.ts";
import { administratorToken } from "./console/administrator.ts";
import { expectAccessible, openTab, startBrowser, type Tab } from "./console/browser.ts";
import { frameTimes, largeCluster } from "./console/frames.ts";
import { MANIFESTS } from "./console/object-manifests.ts";
import { describeObjects } from "./console/objects.ts";
import { describeWorkloads } from "./console/workloads.ts";
import { freshDataDirectory, Troupe } from "./troupe.ts";

const browser = await startBrowser();
const reason = typeof browser === "string" ? ` (not here: ${browser})` : "";

/** Above this, the map of 5,000 nodes does not move any more but jerk. The quickest quarter of all frames tells: others may have waited for the machine. */
const FRAME_MS_MAX = 50;
const PHONE = { width: 390, height: 844 };

/** The console as people see it, in Debian's Chromium. */
describe.skipIf(typeof browser === "string")(`the console${reason}`, () => {
  if (typeof browser === "string") return;
  let troupe: Troupe;
  let token: string;

  beforeAll(async () => {
    troupe = await Troupe.up(freshDataDirectory(), ["--nodes", "20"]);
    token = await administratorToken(troupe);
    await troupe.kubectl.ok(["create", "deployment", "web", "--image=nginx", "--replicas=30"]);
    await troupe.kubectl.ok(["wait", "--for=condition=Available", "deployment/web", "--timeout=120s"]);
  }, FETCH_MS);
  afterAll(async () => {
    await browser.close();
    await troupe?.discard();
  });

  /** A tab in which the administrator is signed in, at an address below the console's. */
  const signedIn = async (path: string, options?: Parameters<typeof openTab>[1]): Promise<Tab> => {
    const tab = await openTab(browser, options);
    await tab.page.goto(`${troupe.console}${path}#token=${token}`);
    await tab.page.getByRole("navigation", { name: "Views" }).waitFor();
    return tab;
  };
  const tile = (page: Page, name: string) => page.locator(".tile").filter({ hasText: name });

  // Each in a profile of its own, and they wait more than they work.
  describe.concurrent("for whoever looks", () => {
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
      const { page, context, complaints } = await signedIn("health");
      await page.getByRole("cell", { name: "ping", exact: true }).waitFor();
      expect(page.url()).toBe(`${troupe.console}health`);
      await page.reload();
      await page.getByRole("cell", { name: "ping", exact: true }).waitFor();
      await page.getByRole("button", { name: "Sign out" }).click();
      await page.getByLabel("bearer token").waitFor();
      await page.reload();
      await page.getByLabel("bearer token").waitFor();
      expect(complaints).toEqual([]);
      await context.close();
    });

    test("the map shows what there is, as it changes, and is walked by keyboard", async () => {
      const { page, context, complaints } = await signedIn("map");
      await tile(page, "Nodes").getByText("20", { exact: true }).waitFor();
      await tile(page, "Pods").getByText("30 running").waitFor();
      // They ask for nothing, so that the map of what is asked for would be blank.
      await page.getByRole("button", { name: /^Pods/, pressed: true }).waitFor();
      await troupe.kubectl.ok(["cordon", "node-7"]);
      await tile(page, "Nodes").getByText("1 cordoned").waitFor();
      await troupe.kubectl.ok(["scale", "deployment/web", "--replicas=35"]);
      await tile(page, "Pods").getByText("35 running").waitFor();

      // The next node with a problem is the one that is cordoned.
      await page.keyboard.press("n");
      const panel = page.getByRole("complementary", { name: "Node node-7" });
      await panel.getByText("Cordoned").waitFor();
      await page.keyboard.press("m");
      await page.getByRole("button", { name: /^Memory/, pressed: true }).waitFor();
      expect(page.url()).toBe(`${troupe.console}map?by=memory&node=node-7`);
      await page.keyboard.press("Escape");
      await panel.waitFor({ state: "detached" });
      // Escape gives the map the focus.
      await page.keyboard.press("ArrowRight");
      const told = page.locator("[aria-live=polite]");
      await expect.poll(() => told.textContent()).toMatch(/^node-\d+, Ready, CPU/);
      const first = await told.textContent();
      await page.keyboard.press("ArrowDown");
      await expect.poll(() => told.textContent()).not.toBe(first);
      await page.keyboard.press("Enter");
      const [name = ""] = ((await told.textContent()) ?? "").split(",");
      const opened = page.getByRole("complementary", { name: `Node ${name}` });
      await opened.waitFor();
      const pods = JSON.parse(await troupe.kubectl.ok(["get", "pods", "--field-selector", `spec.nodeName=${name}`, "-o", "json"])).items;
      await page
        .locator(".pod-list li")
        .nth(pods.length - 1)
        .waitFor();
      expect(await page.locator(".pod-list li").count()).toBe(pods.length);
      await expectAccessible(page);
      // A link to all that is seen leads back to it.
      await page.reload();
      await opened.waitFor();
      await page.getByRole("button", { name: /^Memory/, pressed: true }).waitFor();
      expect(complaints).toEqual([]);
      await context.close();
    });

    test("keys and the browser's history lead from view to view", async () => {
      const { page, context, complaints } = await signedIn("");
      await page.getByRole("heading", { name: "Cluster", level: 1 }).waitFor();
      for (const [keys, heading] of [
        ["gp", "Performance"],
        ["ga", "Actors"],
        ["gh", "Health"],
      ] as const) {
        for (const key of keys) await page.keyboard.press(key);
        await page.getByRole("heading", { name: heading, level: 1 }).waitFor();
      }
      await page.goBack();
      await page.getByRole("heading", { name: "Actors", level: 1 }).waitFor();
      await page.getByRole("cell", { name: "writer", exact: true }).waitFor();
      await page.goForward();
      await page.getByRole("heading", { name: "Health", level: 1 }).waitFor();
      await page.keyboard.press("?");
      await page.getByRole("dialog", { name: "Keys" }).waitFor();
      await page.keyboard.press("Escape");
      // The first key of a tab skips the navigation.
      await page.goto(`${troupe.console}nowhere`);
      await page.getByRole("heading", { name: "There is no such view" }).waitFor();
      expect(complaints).toEqual([]);
      await context.close();
    });

    test.each(["light", "dark"] as const)("every view is accessible and fits a phone, %s", async (colorScheme) => {
      const { page, context, complaints } = await signedIn("map", { colorScheme, viewport: PHONE });
      const views: readonly (readonly [path: string, shown: string])[] = [
        ["map", ".tiles"],
        ["plots", ".u-legend"],
        ["actors", ".hosts"],
        ["health", ".table"],
      ];
      for (const [path, shown] of views) {
        await page.goto(`${troupe.console}${path}`);
        await page.locator(shown).first().waitFor();
        await expectAccessible(page);
        const [wide, screen] = await page.evaluate<[number, number]>(
          '[document.querySelector("main").scrollWidth, document.documentElement.clientWidth]',
        );
        expect(wide, `pixels that ${path} is wide`).toBeLessThanOrEqual(screen);
      }
      expect(complaints).toEqual([]);
      await context.close();
    });

    test("the theme is the system's until somebody chooses, and stays chosen", async () => {
      const { page, context } = await signedIn("health", { colorScheme: "dark" });
      const ground = (): Promise<string> => page.evaluate<string>("getComputedStyle(document.documentElement).backgroundColor");
      const dark = await ground();
      await page.emulateMedia({ colorScheme: "light" });
      const light = await ground();
      expect(light).not.toBe(dark);
      await page.keyboard.press("t");
      await page.keyboard.press("t");
      expect(await ground()).toBe(dark);
      await page.reload();
      expect(await ground()).toBe(dark);
      await context.close();
    });

    test("whoever may not see something is told so", async () => {
      await troupe.kubectl.ok(["create", "serviceaccount", "guest"]);
      const guest = (await troupe.kubectl.ok(["create", "token", "guest"])).trim();
      const { page, context } = await openTab(browser);
      await page.goto(`${troupe.console}map#token=${guest}`);
      await page.getByRole("heading", { name: "You may not see this" }).waitFor();
      await page.getByText('cannot list resource "nodes"').waitFor();
      await expectAccessible(page);
      // With its account the token ends, and with that the session.
      await troupe.kubectl.ok(["delete", "serviceaccount", "guest"]);
      await page.keyboard.press("g");
      await page.keyboard.press("h");
      await page.getByRole("alert").filter({ hasText: "Your session has ended" }).waitFor();
      await page.evaluate(`location.hash = "token=${token}"`);
      await page.getByRole("cell", { name: "ping", exact: true }).waitFor();
      expect(page.url()).toBe(`${troupe.console}health`);
      await context.close();
    });

    test("a lost connection is said, and the view goes on when it is back", async () => {
      const { page, context } = await signedIn("health");
      await page.getByRole("cell", { name: "ping", exact: true }).waitFor();
      await context.setOffline(true);
      await page.getByText("The connection to the server is lost").waitFor();
      await context.setOffline(false);
      await page.getByText("The connection to the server is lost").waitFor({ state: "detached" });
      await page.getByRole("cell", { name: "ping", exact: true }).waitFor();
      await context.close();
    });
  });

  test("5,000 nodes move", async () => {
    const { page, context, complaints } = await signedIn("health");
    let isFirst = true;
    await page.route("**/troupe/map", async (route) => {
      // What follows the first picture never comes.
      if (isFirst) await route.fulfill({ contentType: "application/x-ndjson", body: largeCluster(5_000, 30) });
      isFirst = false;
    });
    await page.keyboard.press("g");
    await page.keyboard.press("m");
    await tile(page, "Nodes").getByText("5,000", { exact: true }).waitFor();
    const times = await frameTimes(page);
    console.log(`frames of a map of 5,000 nodes, ms: ${JSON.stringify(times)}`);
    expect(times.p25_ms).toBeLessThan(FRAME_MS_MAX);
    expect(complaints).toEqual([]);
    await context.close();
  });

  describe("objects", () => {
    beforeAll(async () => {
      await troupe.kubectl.ok(["apply", "-f", "-"], { stdin: MANIFESTS });
      await troupe.kubectl.ok(["wait", "--for=condition=Available", "deployment/front", "--timeout=120s"]);
    });
    describeWorkloads(() => ({ browser, troupe, token }));
    describeObjects(() => ({ browser, troupe, token }));
  });
});
