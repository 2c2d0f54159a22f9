import { describe, expect, it } from "vitest";
import type { KubeObject } from "../../../actors/kinds/object.ts";
import { encodeObject } from "../../../actors/kinds/text.ts";
import { schedulerOfEachTest, type TestScheduler } from "./harness.ts";

const GROUP_LABEL = "scheduling.x-k8s.io/pod-group";

describe("pod groups", () => {
  const opened = schedulerOfEachTest();
  const started = async (...options: Parameters<typeof opened>): Promise<TestScheduler> => {
    const scheduler = await opened(...options);
    scheduler.start();
    return scheduler;
  };

  const setGroup = async ({ store, view }: TestScheduler, name: string, minMember: number, more: object = {}): Promise<void> => {
    const key = `podgroups.scheduling.x-k8s.io/d/${name}`;
    const metadata = { name, namespace: "d", uid: name, creationTimestamp: "2026-01-01T00:00:00Z" };
    const text = encodeObject({ metadata, spec: { minMember, ...more } } as unknown as KubeObject);
    const outcome = await store.client.propose({ request: `group ${name}`, mutations: [{ op: "create", key, text }] });
    if (outcome.committed) await view.until(outcome.revision);
  };
  const member = (group: string) => ({ labels: { [GROUP_LABEL]: group } });
  const message = ({ pod }: TestScheduler, name: string) =>
    pod(name)?.status?.conditions?.find(({ type }) => type === "PodScheduled")?.message ?? "";
  const nodes = ({ pod }: TestScheduler, names: readonly string[]) => names.map((name) => pod(name)?.spec.nodeName);

  it("wait until enough members are there, and are bound in one transaction then", async () => {
    let together = 0;
    const scheduler = await started({
      registry: (registry) => ({
        ...registry,
        bindTogether: (bindings, options) => {
          together = bindings.length;
          return registry.bindTogether(bindings, options);
        },
      }),
    });
    await scheduler.setNode("n1");
    await setGroup(scheduler, "g", 3);
    await scheduler.createPod("a", {}, member("g"));
    await scheduler.createPod("b", {}, member("g"));
    await scheduler.eventually(() => message(scheduler, "b") !== "" && message(scheduler, "a").includes("1 more"));
    expect(message(scheduler, "a")).toContain('pod group "d/g" waits for 1 more of its 3 members');
    await scheduler.createPod("c", {}, member("g"));
    await scheduler.eventually(() => nodes(scheduler, ["a", "b", "c"]).every((node) => node === "n1"));
    expect(together).toBe(3);
    // Whoever comes when there are enough goes alone.
    await scheduler.createPod("d", {}, member("g"));
    await scheduler.eventually(() => nodes(scheduler, ["d"])[0] === "n1");
    expect(together).toBe(3);
  });

  it("get nothing while not all fit, leave what they do not get to others, and get all when there is room", async () => {
    const scheduler = await started();
    await scheduler.setNode("n1", { cpu: "2" });
    await setGroup(scheduler, "g", 3);
    for (const name of ["a", "b", "c"]) await scheduler.createPod(name, {}, member("g"));
    await scheduler.eventually(() => ["a", "b", "c"].every((name) => message(scheduler, name) !== ""));
    expect(nodes(scheduler, ["a", "b", "c"])).toEqual([undefined, undefined, undefined]);
    const messages = ["a", "b", "c"].map((name) => message(scheduler, name));
    expect(messages).toContain("0/1 nodes are available: 1 Insufficient cpu.");
    await scheduler.createPod("other");
    await scheduler.eventually(() => nodes(scheduler, ["other"])[0] === "n1");
    await scheduler.setNode("n2", { cpu: "2" });
    await scheduler.eventually(() => nodes(scheduler, ["a", "b", "c"]).every((node) => node !== undefined));
  });

  it("of two groups with room for one, one gets all and the other nothing", async () => {
    const scheduler = await started({}, { shards: 2 });
    for (const group of ["g", "h"]) await setGroup(scheduler, group, 2);
    const names = ["g1", "h1", "g2", "h2"];
    for (const name of names) await scheduler.createPod(name, {}, member(name.slice(0, 1)));
    await scheduler.setNode("n1", { cpu: "3" });
    const bound = (group: string) => nodes(scheduler, [`${group}1`, `${group}2`]).filter((node) => node !== undefined).length;
    await scheduler.eventually(() => bound("g") + bound("h") === 2);
    expect([bound("g"), bound("h")].sort()).toEqual([0, 2]);
  });

  it("are not tried while all nodes together have less free than the group says it needs", async () => {
    const scheduler = await started();
    await scheduler.setNode("n1", { cpu: "3" });
    await scheduler.createPod("other");
    await scheduler.eventually(() => nodes(scheduler, ["other"])[0] === "n1");
    await setGroup(scheduler, "g", 2, { minResources: { cpu: "2500m", memory: "1Gi", "a/gpu": 1 } });
    for (const name of ["a", "b"]) await scheduler.createPod(name, {}, member("g"));
    await scheduler.eventually(() => message(scheduler, "b").includes("needs"));
    expect(message(scheduler, "b")).toContain('pod group "d/g" needs more a/gpu, cpu than the nodes have free');
    // There was room for both of them by what they ask for themselves.
    expect(nodes(scheduler, ["a", "b"])).toEqual([undefined, undefined]);
    await scheduler.setNode("n2", { cpu: "500m", "a/gpu": "1" });
    await scheduler.eventually(() => nodes(scheduler, ["a", "b"]).every((node) => node === "n1"));
  });

  it("that find no room within their timeout are told so, and get nodes when there is room again", async () => {
    const scheduler = await started();
    await scheduler.setNode("n1", { cpu: "1" });
    await setGroup(scheduler, "g", 2, { scheduleTimeoutSeconds: 1 });
    for (const name of ["a", "b"]) await scheduler.createPod(name, {}, member("g"));
    await scheduler.eventually(() => scheduler.events("g").length > 0);
    expect(scheduler.events("g")[0]).toMatch(/^ScheduleTimeout: pod group "d\/g" was not scheduled within 1 seconds/);
    expect(nodes(scheduler, ["a", "b"])).toEqual([undefined, undefined]);
    await scheduler.setNode("n2", { cpu: "1" });
    await scheduler.eventually(() => nodes(scheduler, ["a", "b"]).every((node) => node !== undefined));
  });

  it("that nobody has made are no groups", async () => {
    const scheduler = await started();
    await scheduler.setNode("n1");
    await scheduler.createPod("a", {}, member("none"));
    await scheduler.eventually(() => nodes(scheduler, ["a"])[0] === "n1");
  });
});
