import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { until } from "../../../cluster/chaos/until.ts";
import { runTroupe, type Troupe } from "../troupe.ts";
import { expectAccessible, openTab, type Tab } from "./browser.ts";
import { MANIFESTS, PASTED } from "./object-manifests.ts";

interface Given {
  readonly browser: Browser;
  readonly troupe: Troupe;
  /** Of an administrator. */
  readonly token: string;
}

/** The views of objects, and what can be done to them, all by the keyboard and by names that are read aloud. */
export function describeObjects(given: () => Given): void {
  describe("objects", () => {
    let tab: Tab;
    let page: Page;
    const open = (path: string): Promise<unknown> => page.goto(`${given().troupe.console}${path}`);
    const get = (...args: readonly string[]): Promise<string> => given().troupe.kubectl.ok(["get", ...args]);
    const field = (path: string, ...object: readonly string[]): Promise<string> => get(...object, "-o", `jsonpath={${path}}`);
    const told = (words: RegExp | string): Promise<void> => page.locator(".notices").getByText(words).first().waitFor();

    beforeAll(async () => {
      const { browser, troupe, token } = given();
      await troupe.kubectl.ok(["apply", "-f", "-"], { stdin: MANIFESTS });
      await troupe.kubectl.ok(["wait", "--for=condition=Available", "deployment/front", "--timeout=30s"]);
      tab = await openTab(browser);
      page = tab.page;
      page.setDefaultTimeout(15_000);
      await page.goto(`${troupe.console}objects/deployments.apps#token=${token}`);
    });
    afterAll(async () => {
      // What the server refuses is told by the browser, too.
      expect(tab.complaints.filter((text) => !/status of (403|409|422)/.test(text))).toEqual([]);
      await tab.context.close();
    });

    test("lists: kinds, readiness, filters; by keys to an object and its parts", async () => {
      await page.getByRole("row", { name: /^front default 3\/3/ }).waitFor();
      await page.getByRole("row", { name: /^greedy default 0\/1/ }).waitFor();
      await expectAccessible(page);
      await page.keyboard.press("f");
      await page.keyboard.type("fro");
      await page.getByText("1 of 3").waitFor();
      expect(page.url()).toContain("q=fro");
      await page.getByRole("searchbox").blur();
      await page.keyboard.press("j");
      await page.keyboard.press("Enter");
      await page.getByRole("heading", { name: "front" }).waitFor();
      await page.getByText("RollingUpdate, maxUnavailable 25%, maxSurge 25%").waitFor();
      await expectAccessible(page);
      await page.keyboard.press("]");
      await page.getByRole("tab", { name: "Pods", selected: true }).waitFor();
      await page
        .getByRole("row", { name: /^front-.* Running/ })
        .nth(2)
        .waitFor();
      await page.keyboard.press("g");
      await page.keyboard.press("o");
      await page.getByRole("heading", { name: "Pods", exact: true }).waitFor();
      await page.getByRole("row", { name: /^greedy-.* Pending/ }).waitFor();
    });

    test("search over everything: a view, a kind, an object, a deed", async () => {
      await page.keyboard.press("/");
      await page.keyboard.type("sc");
      await page.getByRole("option", { name: /^StorageClass Kind/ }).waitFor();
      await page.getByRole("combobox", { name: "Search" }).fill("settings");
      await page.getByRole("option", { name: "settings ConfigMap in default" }).waitFor();
      await expectAccessible(page);
      await page.keyboard.press("Enter");
      await page.getByRole("heading", { name: "settings" }).waitFor();
      await page.getByText("mode: fast").waitFor();
      await page.keyboard.press("Control+k");
      await page.keyboard.type("delete");
      await page.keyboard.press("Enter");
      await page.getByRole("heading", { name: "Delete ConfigMap settings" }).waitFor();
      await page.keyboard.press("Escape");
    });

    test("scale, restart, roll back, pause", async () => {
      await open("objects/deployments.apps/default/front");
      await page.getByRole("button", { name: "Scale" }).waitFor();
      await page.keyboard.press("s");
      await page.getByLabel("Replicas").fill("2");
      await expectAccessible(page);
      await page.keyboard.press("Enter");
      await told("front is to have 2 replicas.");
      expect(await field(".spec.replicas", "deployment/front")).toBe("2");
      await page.keyboard.press("r");
      await page.getByRole("dialog").getByRole("button", { name: "Restart" }).click();
      await told("front is being restarted.");
      expect(await field(".spec.template.metadata.annotations", "deployment/front")).toContain("restartedAt");
      await page.getByRole("tab", { name: "Revisions" }).click();
      await page.getByRole("row", { name: /^2 front-.*Current/ }).waitFor();
      await page.getByRole("button", { name: "Roll back to 1" }).click();
      await page.getByRole("dialog").getByText("metadata.annotations").waitFor();
      await page.getByRole("dialog").getByRole("button", { name: "Roll back" }).click();
      await told("front goes back to revision 1.");
      await page.getByRole("row", { name: /^3 front-.*Current/ }).waitFor();
      expect(await field(".spec.template.metadata.annotations", "deployment/front")).toBe("");
      await page.getByRole("button", { name: "Pause rollout" }).click();
      await page.getByRole("button", { name: "Resume rollout" }).waitFor();
      expect(await field(".spec.paused", "deployment/front")).toBe("true");
    });

    test("a CronJob: run now, suspend, resume", async () => {
      await open("objects/cronjobs.batch/default/nightly?part=jobs");
      await page.getByRole("button", { name: "Run now" }).click();
      await page.getByRole("row", { name: /^nightly-manual-/ }).waitFor();
      await page.getByRole("button", { name: "Suspend" }).click();
      await page.getByRole("button", { name: "Resume" }).waitFor();
      expect(await field(".spec.suspend", "cronjob/nightly")).toBe("true");
    });

    test("YAML: what is wrong is said at its line, what changed meanwhile is shown, my changes go onto it", async () => {
      await open("objects/deployments.apps/default/front?part=yaml");
      const area = page.getByRole("textbox", { name: "as YAML" });
      const edit = async (from: string, to: string): Promise<void> => area.fill((await area.inputValue()).replace(from, to));
      const review = page.getByRole("button", { name: "Review and save" });
      await page.getByRole("button", { name: "Resume rollout" }).waitFor();
      await expectAccessible(page);
      await edit("replicas: 2", "replicas: -2");
      await review.click();
      await page.getByText("spec.replicas: Invalid value: -2: must be greater than or equal to 0").waitFor();
      await page.getByRole("button", { name: /^Line \d+/ }).click();
      expect(await page.evaluate<string>("getSelection().toString()")).toContain("replicas: -2");
      await edit("replicas: -2", "replicas: 4");
      await given().troupe.kubectl.ok(["label", "deployment/front", "tier=one"]);
      await page.getByRole("heading", { name: "The object has changed meanwhile" }).waitFor();
      await page.getByRole("button", { name: "Make my changes to it as it is now" }).click();
      await review.click();
      const dialog = page.getByRole("dialog");
      await dialog.getByText("spec.replicas").waitFor();
      expect(await dialog.getByRole("listitem").count()).toBe(1);
      await dialog.getByRole("button", { name: "Save" }).click();
      await told("front is saved.");
      expect(await field(".metadata.labels.tier}{.spec.replicas", "deployment/front")).toBe("one4");
    });

    test("created from what is pasted: tried first, what is refused is at its line, then applied", async () => {
      await open("create");
      const area = page.getByRole("textbox", { name: "Objects as YAML or JSON" });
      await area.fill(PASTED.replace("port: 80", "port: 80000"));
      await page.getByRole("button", { name: "Try" }).click();
      await page.getByText(/spec\.ports\[0\]\.port: Invalid value: 80000/).waitFor();
      await expectAccessible(page);
      expect(await page.getByRole("button", { name: "Apply" }).isDisabled()).toBe(true);
      await area.fill(PASTED);
      await page.getByRole("button", { name: "Try" }).click();
      await page.getByText("The server would take all of it.").waitFor();
      expect(await get("namespaces", "-o", "name")).not.toContain("pasted");
      await page.getByRole("button", { name: "Apply" }).click();
      await page.getByRole("listitem").filter({ hasText: "Gear big" }).getByText("created").waitFor();
      expect(await field(".spec.teeth", "gears.example.com/big", "-n", "pasted")).toBe("42");
      await open("kinds?q=gear");
      await page.getByRole("link", { name: "Gear" }).click();
      await page.getByRole("row", { name: /^big pasted 42/ }).waitFor();
    });

    test("secrets stay hidden until asked for; quotas and events are shown", async () => {
      await open("objects/secrets/default/payment");
      await page.getByText("••••••••").waitFor();
      expect(await page.content()).not.toContain("hush");
      await page.getByRole("button", { name: "Show key" }).click();
      await page.getByText("hush").waitFor();
      await open("objects/namespaces/default?part=quotas");
      await page.getByRole("row", { name: /^count\/cronjobs.batch 1 4 25%/ }).waitFor();
      await open("events?type=Warning");
      await page
        .getByRole("row", { name: /FailedScheduling Pod greedy-/ })
        .first()
        .waitFor();
      await expectAccessible(page);
    });

    test("why a pod waits: what the scheduler says of each node", async () => {
      const pod = await field(".items[0].metadata.name", "pods", "-l", "app=greedy");
      await open(`pods/default/${pod}`);
      await page.getByRole("heading", { name: "20 of 20 nodes refuse it" }).waitFor();
      await page.getByText("Insufficient cpu", { exact: true }).click();
      await page.getByRole("link", { name: "node-19" }).waitFor();
      await expectAccessible(page);
    });

    test("cordon, drain, uncordon", async () => {
      const node = await field(".items[0].spec.nodeName", "pods", "-l", "app=front");
      await open(`nodes/${node}`);
      await page.getByRole("button", { name: "Cordon" }).waitFor();
      await page.keyboard.press("c");
      await page.getByRole("button", { name: "Uncordon" }).waitFor();
      expect(await field(".spec.unschedulable", `node/${node}`)).toBe("true");
      await page.keyboard.press("d");
      await page.getByRole("dialog").getByRole("button", { name: "Drain" }).click();
      await told(`${node} is drained.`);
      await until("its pods are elsewhere", async () => !(await get("pods", "-l", "app=front", "-o", "wide")).includes(`${node} `));
      await page.getByRole("button", { name: "Uncordon" }).click();
      await page.getByRole("button", { name: "Cordon", exact: true }).waitFor();
    });

    test("delete says what goes with it", async () => {
      await open("objects/deployments.apps/default/front");
      await page.getByRole("button", { name: "Delete" }).waitFor();
      await page.keyboard.press("x");
      const dialog = page.getByRole("dialog");
      await dialog.getByText("4 pods").waitFor();
      await dialog.getByRole("button", { name: "Delete" }).click();
      await page.getByRole("heading", { name: "Deployments" }).waitFor();
      await until("it is gone", async () => (await get("deployments,pods", "-l", "app=front", "--ignore-not-found")) === "");
    });

    test("a challenge is begun, and solved by the work", async () => {
      const { troupe } = given();
      expect((await runTroupe(["learn", "install", "--data", troupe.data])).code).toBe(0);
      await open("learn?challenge=deploy");
      await page.getByRole("button", { name: "Begin" }).click();
      const namespace = (await page.getByRole("link", { name: /^learn-deploy-/ }).textContent()) ?? "";
      await page.getByRole("list", { name: "Checks" }).getByText("not yet").first().waitFor();
      await expectAccessible(page);
      await troupe.kubectl.ok(["create", "deployment", "web", "--image=registry.example/web:1.0", "--replicas=3", "-n", namespace]);
      await page.getByRole("button", { name: /^Set sail.*solved/ }).waitFor();
      await page.getByRole("row", { name: /you 1 \d+ 10$/ }).waitFor();
    });

    test("who may only look is offered nothing else, and told what they may not see", async () => {
      const { browser, troupe } = given();
      await troupe.kubectl.ok(["create", "serviceaccount", "onlooker"]);
      await troupe.kubectl.ok(["create", "rolebinding", "onlooker", "--clusterrole=view", "--serviceaccount=default:onlooker"]);
      const guest = await openTab(browser, { viewport: { width: 390, height: 844 }, colorScheme: "dark" });
      const token = await troupe.kubectl.ok(["create", "token", "onlooker"]);
      await guest.page.goto(`${troupe.console}objects/deployments.apps/default/greedy?part=yaml#token=${token.trim()}`);
      await guest.page.getByText("You may look at this, and not change it.").waitFor();
      expect(await guest.page.locator(".actions button").count()).toBe(0);
      await expectAccessible(guest.page);
      expect(await guest.page.evaluate<number>("document.documentElement.scrollWidth")).toBe(390);
      await guest.page.goto(`${troupe.console}objects/secrets`);
      await guest.page.getByText("You may not see this").waitFor();
      await guest.context.close();
    });
  });
}
