import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { FunctionRuntime, type Program } from "../../examples/runtime/function-runtime.ts";
import { Lived } from "../actors/pod/life/lived.ts";

const IMAGES: Readonly<Record<string, Program>> = {
  greets: async ({ env, print }) => {
    print(`hello, ${env.WHOM}`);
    return 3;
  },
  serves: ({ stop }) => new Promise((resolve) => stop.addEventListener("abort", () => resolve(0))),
};

let lived: Lived<FunctionRuntime>;
const logs = mkdtempSync(join(tmpdir(), "troupe-function-runtime-"));
beforeEach(async () => {
  lived = await Lived.beginWith((clock) => new FunctionRuntime({ images: IMAGES, logs, clock }));
});
afterEach(async () => {
  await lived.stop();
  rmSync(logs, { recursive: true, force: true });
});

test("the example of a runtime gives pods their life: exit codes, restarts, logs", async () => {
  const env = [{ name: "WHOM", value: "Ada" }];
  await lived.pod({ containers: [{ name: "c", image: "greets", env }], restartPolicy: "OnFailure" });
  await lived.clock.run(15_000);
  expect(lived.now?.status?.containerStatuses?.[0]).toMatchObject({
    restartCount: 2,
    lastState: { terminated: { exitCode: 3, reason: "Error" } },
  });
  const [newest] = (await lived.runtime.observe(lived.now?.metadata.uid ?? "")).containers;
  expect(readFileSync(newest?.logPath ?? "", "utf8")).toMatch(/^\S+Z stdout F hello, Ada\n$/);
});

test("a function that serves runs until its pod is deleted, and what is no function is not pulled", async () => {
  await lived.pod({ containers: [{ name: "c", image: "serves" }] });
  expect(lived.state).toBe("Running | c: running*");
  await lived.delete();
  await lived.clock.run(5_000);
  expect(lived.now).toBeUndefined();
  expect(await lived.runtime.pods()).toEqual([]);
  await lived.pod({ containers: [{ name: "c", image: "nothing" }] });
  await lived.clock.run(1_000);
  expect(lived.state).toBe("Pending | c: ErrImagePull");
});
