import { expect, test } from "vitest";
import { until } from "../../../cluster/chaos/until.ts";
import { expectAccessible } from "./browser.ts";
import { describeDesk, type Given, inOrder } from "./desk.ts";

/** A Deployment, its pods and nodes, and what can be done to them, all by the keyboard and by names that are read aloud. */
export function describeWorkloads(given: () => Given): void {
  describeDesk("a Deployment and its pods", "objects/deployments.apps", given, (desk) => {
    const { open, get, field, told } = desk;

    test("lists: kinds, readiness, filters; by keys to an object and its parts", inOrder, async () => {
      await desk.page.getByRole("row", { name: /^front default 3\/3/ }).waitFor();
      await desk.page.getByRole("row", { name: /^greedy default 0\/1/ }).waitFor();
      await expectAccessible(desk.page);
      await desk.page.keyboard.press("f");
      await desk.page.keyboard.type("fro");
      await desk.page.getByText(/^1 of \d+$/).waitFor();
      expect(desk.page.url()).toContain("q=fro");
      await desk.page.getByRole("searchbox").blur();
      await desk.page.keyboard.press("j");
      await desk.page.keyboard.press("Enter");
      await desk.page.getByRole("heading", { name: "front" }).waitFor();
      await desk.page.getByText("RollingUpdate, maxUnavailable 25%, maxSurge 25%").waitFor();
      await expectAccessible(desk.page);
      await desk.page.keyboard.press("]");
      await desk.page.getByRole("tab", { name: "Pods", selected: true }).waitFor();
      await desk.page
        .getByRole("row", { name: /^front-.* Running/ })
        .nth(2)
        .waitFor();
      await desk.page.keyboard.press("g");
      await desk.page.keyboard.press("o");
      await desk.page.getByRole("heading", { name: "Pods", exact: true }).waitFor();
      await desk.page.getByRole("row", { name: /^greedy-.* Pending/ }).waitFor();
    });

    test("scale, restart, roll back, pause", inOrder, async () => {
      await open("objects/deployments.apps/default/front");
      await desk.page.getByRole("button", { name: "Scale" }).waitFor();
      await desk.page.keyboard.press("s");
      await desk.page.getByLabel("Replicas").fill("2");
      await expectAccessible(desk.page);
      await desk.page.keyboard.press("Enter");
      await told("front is to have 2 replicas.");
      expect(await field(".spec.replicas", "deployment/front")).toBe("2");
      await desk.page.keyboard.press("r");
      await desk.page.getByRole("dialog").getByRole("button", { name: "Restart" }).click();
      await told("front is being restarted.");
      expect(await field(".spec.template.metadata.annotations", "deployment/front")).toContain("restartedAt");
      await desk.page.getByRole("tab", { name: "Revisions" }).click();
      await desk.page.getByRole("row", { name: /^2 front-.*Current/ }).waitFor();
      await desk.page.getByRole("button", { name: "Roll back to 1" }).click();
      await desk.page.getByRole("dialog").getByText("metadata.annotations").waitFor();
      await desk.page.getByRole("dialog").getByRole("button", { name: "Roll back" }).click();
      await told("front goes back to revision 1.");
      await desk.page.getByRole("row", { name: /^3 front-.*Current/ }).waitFor();
      expect(await field(".spec.template.metadata.annotations", "deployment/front")).toBe("");
      await desk.page.getByRole("button", { name: "Pause rollout" }).click();
      await desk.page.getByRole("button", { name: "Resume rollout" }).waitFor();
      expect(await field(".spec.paused", "deployment/front")).toBe("true");
    });

    test("YAML: what is wrong is said at its line, what changed meanwhile is shown, my changes go onto it", inOrder, async () => {
      await open("objects/deployments.apps/default/front?part=yaml");
      const area = desk.page.getByRole("textbox", { name: "as YAML" });
      const edit = async (from: string, to: string): Promise<void> => area.fill((await area.inputValue()).replace(from, to));
      const review = desk.page.getByRole("button", { name: "Review and save" });
      await desk.page.getByRole("button", { name: "Resume rollout" }).waitFor();
      await expectAccessible(desk.page);
      await edit("replicas: 2", "replicas: -2");
      await review.click();
      await desk.page.getByText("spec.replicas: Invalid value: -2: must be greater than or equal to 0").waitFor();
      await desk.page.getByRole("button", { name: /^Line \d+/ }).click();
      expect(await desk.page.evaluate<string>("getSelection().toString()")).toContain("replicas: -2");
      await edit("replicas: -2", "replicas: 4");
      await desk.given.troupe.kubectl.ok(["label", "deployment/front", "tier=one"]);
      await desk.page.getByRole("heading", { name: "The object has changed meanwhile" }).waitFor();
      await desk.page.getByRole("button", { name: "Make my changes to it as it is now" }).click();
      await review.click();
      const dialog = desk.page.getByRole("dialog");
      await dialog.getByText("spec.replicas").waitFor();
      expect(await dialog.getByRole("listitem").count()).toBe(1);
      await dialog.getByRole("button", { name: "Save" }).click();
      await told("front is saved.");
      expect(await field(".metadata.labels.tier}{.spec.replicas", "deployment/front")).toBe("one4");
    });

    test("why a pod waits: what the scheduler says of each node", inOrder, async () => {
      const pod = await field(".items[0].metadata.name", "pods", "-l", "app=greedy");
      await open(`pods/default/${pod}`);
      await desk.page.getByRole("heading", { name: "20 of 20 nodes refuse it" }).waitFor();
      await desk.page.getByText("Insufficient cpu", { exact: true }).click();
      await desk.page.getByRole("link", { name: "node-19" }).waitFor();
      await expectAccessible(desk.page);
    });

    test("cordon, drain, uncordon", inOrder, async () => {
      const node = await field(".items[0].spec.nodeName", "pods", "-l", "app=front");
      await open(`nodes/${node}`);
      await desk.page.getByRole("button", { name: "Cordon" }).waitFor();
      await desk.page.keyboard.press("c");
      await desk.page.getByRole("button", { name: "Uncordon" }).waitFor();
      expect(await field(".spec.unschedulable", `node/${node}`)).toBe("true");
      await desk.page.keyboard.press("d");
      await desk.page.getByRole("dialog").getByRole("button", { name: "Drain" }).click();
      await told(`${node} is drained.`);
      await until("its pods are elsewhere", async () => !(await get("pods", "-l", "app=front", "-o", "wide")).includes(`${node} `));
      await desk.page.getByRole("button", { name: "Uncordon" }).click();
      await desk.page.getByRole("button", { name: "Cordon", exact: true }).waitFor();
    });

    test("delete says what goes with it", inOrder, async () => {
      await open("objects/deployments.apps/default/front");
      await desk.page.getByRole("button", { name: "Delete" }).waitFor();
      await desk.page.keyboard.press("x");
      const dialog = desk.page.getByRole("dialog");
      await dialog.getByText("4 pods").waitFor();
      await dialog.getByRole("button", { name: "Delete" }).click();
      await desk.page.getByRole("heading", { name: "Deployments" }).waitFor();
      await until("it is gone", async () => (await get("deployments,pods", "-l", "app=front", "--ignore-not-found")) === "");
    });
  });
}
