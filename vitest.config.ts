import { defineConfig } from "vitest/config";

/** Scenarios that take servers away at measured moments, or have three of them elect a leader: these want the machine for themselves. */
const ALONE = ["crash", "nats-cluster", "patroni", "store-*", "store/*", "scheduler/*"].map((name) => `test/scenarios/${name}.test.ts`);

export default defineConfig({
  test: {
    testTimeout: 60_000,
    hookTimeout: 120_000,
    maxWorkers: 2,
    projects: [
      { extends: true, test: { name: "unit", include: ["test/**/*.test.{ts,mjs}"], exclude: ["test/scenarios/**"] } },
      {
        extends: true,
        // A scenario boots a whole cluster, and waits more than it works.
        test: {
          name: "scenarios",
          include: ["test/scenarios/**/*.test.ts"],
          exclude: ALONE,
          testTimeout: 120_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: { name: "scenarios-alone", include: ALONE, fileParallelism: false, testTimeout: 120_000, sequence: { groupOrder: 2 } },
      },
    ],
  },
});
