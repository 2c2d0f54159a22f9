import { afterEach, beforeEach, expect, test } from "vitest";
import { PodKind } from "../../../../actors/kinds/core/pod.ts";
import { Played } from "./played.ts";

let played: Played;
beforeEach(async () => {
  played = await Played.begin();
});
afterEach(() => played.stop());

test("an image that cannot be pulled twice: errors and back-off, then it runs", async () => {
  await played.pod("web", { "pull-failures": "2" });
  expect(await played.statesDuring("web", 60_000)).toEqual([
    "Pending ContainerCreating",
    "Pending ErrImagePull",
    "Pending ImagePullBackOff",
    "Pending ErrImagePull",
    "Pending ImagePullBackOff",
    "Running ready",
  ]);
  expect(played.events()).toEqual(
    expect.arrayContaining([
      'Failed: Failed to pull image "nginx": failed to pull and unpack image "nginx": not found',
      "Failed: Error: ErrImagePull",
      'BackOff: Back-off pulling image "nginx"',
      "Failed: Error: ImagePullBackOff",
      'Pulled: Successfully pulled image "nginx"',
      "Started: Started container c",
    ]),
  );
});

test("a crash loop: at once the first time, then after ten seconds, twenty, forty, and never more than five minutes", async () => {
  await played.pod("web", { "exit-code": "3", "run-seconds": "1" });
  const states = await played.statesDuring("web", 90_000);
  expect(states).toEqual([
    "Pending ContainerCreating",
    "Running ready",
    "Running Error:3",
    "Running ready (1)",
    "Running Error:3 (1)",
    "Running CrashLoopBackOff (1)",
    "Running ready (2)",
    "Running Error:3 (2)",
    "Running CrashLoopBackOff (2)",
    "Running ready (3)",
    "Running Error:3 (3)",
    "Running CrashLoopBackOff (3)",
    "Running ready (4)",
    "Running Error:3 (4)",
    "Running CrashLoopBackOff (4)",
  ]);
  const { metadata, status } = played.podOf("web") ?? {};
  expect(status?.containerStatuses?.[0]).toMatchObject({
    ready: false,
    lastState: { terminated: { exitCode: 3, reason: "Error" } },
    state: { waiting: { message: `back-off 1m20s restarting failed container=c pod=web_d(${metadata?.uid})` } },
  });
  expect(status?.conditions?.find(({ type }) => type === "Ready")).toMatchObject({ status: "False", reason: "ContainersNotReady" });
  expect(played.events()).toContain(`BackOff: Back-off restarting failed container c in pod web_d(${metadata?.uid})`);
  await played.clock.run(3_600_000);
  // 80, 160, then 300 seconds each.
  const restarts = played.podOf("web")?.status?.containerStatuses?.[0]?.restartCount ?? 0;
  expect(restarts).toBeGreaterThan(13);
  expect(restarts).toBeLessThan(20);
});

test("a pod that crashes so many times runs on then", async () => {
  await played.pod("web", { "exit-code": "1", crashes: "2" });
  await played.clock.run(120_000);
  expect(played.stateOf("web")).toBe("Running ready (2)");
});

test("the restart policy decides: never again, until it goes well, or always", async () => {
  await played.pod("never", { "exit-code": "7" }, { restartPolicy: "Never" });
  await played.pod("failure", { "exit-code": "7", crashes: "1" }, { restartPolicy: "OnFailure" });
  await played.pod("always", { "run-seconds": "1" });
  await played.clock.run(10_000);
  expect(played.stateOf("never")).toBe("Failed Error:7");
  expect(played.stateOf("failure")).toBe("Succeeded Completed:0 (1)");
  expect(played.stateOf("always")).toBe("Running CrashLoopBackOff (1)");
});

test("readiness comes late, or never, and so says the Ready condition", async () => {
  await played.pod("late", { "ready-seconds": "5", "start-seconds": "2" });
  expect(await played.statesDuring("late", 10_000)).toEqual(["Pending ContainerCreating", "Running", "Running ready"]);
  await played.pod("never", { "ready-seconds": "never" });
  await played.clock.run(100_000);
  expect(played.stateOf("never")).toBe("Running");
  const conditions = new Map(played.podOf("never")?.status?.conditions?.map(({ type, status }) => [type, status]));
  expect([conditions.get("Ready"), conditions.get("ContainersReady"), conditions.get("Initialized")]).toEqual(["False", "False", "True"]);
});

test("a pod in a crash loop that is deleted goes", async () => {
  await played.pod("web", { "exit-code": "1" });
  await played.clock.run(5_000);
  await played.during(() => played.registry.delete(PodKind, "d", "web"));
  await played.clock.run(1_000);
  expect(played.podOf("web")).toBeUndefined();
});

test("what is not understood in an annotation is an Event, and the pod runs", async () => {
  await played.pod("web", { "exit-code": "many" });
  await played.clock.run(5_000);
  expect(played.stateOf("web")).toBe("Running ready");
  expect(played.events()).toContain(
    'InvalidAnnotation: troupe.dev/hollow-exit-code: "many" is left out; it should be a whole number from 0 to 255',
  );
});
