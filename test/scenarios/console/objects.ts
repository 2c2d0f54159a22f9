import { expect, test } from "vitest";
import { runTroupe } from "../troupe.ts";
import { expectAccessible, openTab } from "./browser.ts";
import { describeDesk, type Given, inOrder } from "./desk.ts";
import { PASTED } from "./object-manifests.ts";

/** Objects of all kinds, what is made of them, and who may. */
export function describeObjects(given: () => Given): void {
  describeDesk("other objects", "objects/pods", given, (desk) => {
    const { open, get, field } = desk;

    test("search over everything: a view, a kind, an object, a deed", inOrder, async () => {
      await desk.page.keyboard.press("/");
      await desk.page.keyboard.type("sc");
      await desk.page.getByRole("option", { name: /^StorageClass Kind/ }).waitFor();
      await desk.page.getByRole("combobox", { name: "Search" }).fill("settings");
      await desk.page.getByRole("option", { name: "settings ConfigMap in default" }).waitFor();
      await expectAccessible(desk.page);
      await desk.page.keyboard.press("Enter");
      await desk.page.getByRole("heading", { name: "settings" }).waitFor();
      await desk.page.getByText("mode: fast").waitFor();
      await desk.page.keyboard.press("Control+k");
      await desk.page.keyboard.type("delete");
      // Offered when it is known that one may.
      await desk.page.getByRole("option", { name: /^Delete/ }).waitFor();
      await desk.page.keyboard.press("Enter");
      await desk.page.getByRole("heading", { name: "Delete ConfigMap settings" }).waitFor();
      await desk.page.keyboard.press("Escape");
    });

    test("a CronJob: run now, suspend, resume", inOrder, async () => {
      await open("objects/cronjobs.batch/default/nightly?part=jobs");
      await desk.page.getByRole("button", { name: "Run now" }).click();
      await desk.page.getByRole("row", { name: /^nightly-manual-/ }).waitFor();
      await desk.page.getByRole("button", { name: "Suspend" }).click();
      await desk.page.getByRole("button", { name: "Resume" }).waitFor();
      expect(await field(".spec.suspend", "cronjob/nightly")).toBe("true");
    });

    test("created from what is pasted: tried first, what is refused is at its line, then applied", inOrder, async () => {
      await open("create");
      const area = desk.page.getByRole("textbox", { name: "Objects as YAML or JSON" });
      await area.fill(PASTED.replace("port: 80", "port: 80000"));
      await desk.page.getByRole("button", { name: "Try" }).click();
      await desk.page.getByText(/spec\.ports\[0\]\.port: Invalid value: 80000/).waitFor();
      await expectAccessible(desk.page);
      expect(await desk.page.getByRole("button", { name: "Apply" }).isDisabled()).toBe(true);
      await area.fill(PASTED);
      await desk.page.getByRole("button", { name: "Try" }).click();
      await desk.page.getByText("The server would take all of it.").waitFor();
      expect(await get("namespaces", "-o", "name")).not.toContain("pasted");
      await desk.page.getByRole("button", { name: "Apply" }).click();
      await desk.page.getByRole("listitem").filter({ hasText: "Gear big" }).getByText("created").waitFor();
      expect(await field(".spec.teeth", "gears.example.com/big", "-n", "pasted")).toBe("42");
      await open("kinds?q=gear");
      await desk.page.getByRole("link", { name: "Gear" }).click();
      await desk.page.getByRole("row", { name: /^big pasted 42/ }).waitFor();
    });

    test("secrets stay hidden until asked for; quotas and events are shown", inOrder, async () => {
      await open("objects/secrets/default/payment");
      await desk.page.getByText("••••••••").waitFor();
      expect(await desk.page.content()).not.toContain("hush");
      await desk.page.getByRole("button", { name: "Show key" }).click();
      await desk.page.getByText("hush").waitFor();
      await open("objects/namespaces/default?part=quotas");
      await desk.page.getByRole("row", { name: /^count\/cronjobs.batch 1 4 25%/ }).waitFor();
      await open("events?type=Warning");
      await desk.page
        .getByRole("row", { name: /FailedScheduling Pod greedy-/ })
        .first()
        .waitFor();
      await expectAccessible(desk.page);
    });

    test("a challenge is begun, and solved by the work", inOrder, async () => {
      const { troupe } = desk.given;
      expect((await runTroupe(["learn", "install", "--data", troupe.data])).code).toBe(0);
      await open("learn?challenge=deploy");
      await desk.page.getByRole("button", { name: "Begin" }).click();
      const namespace = (await desk.page.getByRole("link", { name: /^learn-deploy-/ }).textContent()) ?? "";
      await desk.page.getByRole("list", { name: "Checks" }).getByText("not yet").first().waitFor();
      await expectAccessible(desk.page);
      await troupe.kubectl.ok(["create", "deployment", "web", "--image=registry.example/web:1.0", "--replicas=3", "-n", namespace]);
      await desk.page.getByRole("button", { name: /^Set sail.*solved/ }).waitFor();
      await desk.page.getByRole("row", { name: /you 1 \d+ 10$/ }).waitFor();
    });

    test("who may only look is offered nothing else, and told what they may not see", inOrder, async () => {
      const { browser, troupe } = desk.given;
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
