import { defineConfig } from "vitest/config";

/** Scenarios that take servers away at measured moments, or have three of them elect a leader: these want half the machine each. */
const TROUBLED = ["crash", "nats-cluster", "patroni", "store-*", "store/*", "scheduler/*"].map((name) => `test/scenarios/${name}.test.ts`);

export default defineConfig({
  test: {
    testTimeout: 60_000,
    hookTimeout: 120_000,
    projects: [
      {
        extends: true,
        // Modules are read once a worker, not once a file: a third of the processor time. Who mocks one resets them afterwards.
        test: { name: "unit", include: ["test/**/*.test.{ts,mjs}"], exclude: ["test/scenarios/**"], isolate: false, maxWorkers: 2 },
      },
      {
        extends: true,
        // A scenario boots a whole cluster, and waits more than it works.
        test: {
          name: "scenarios",
          include: ["test/scenarios/**/*.test.ts"],
          exclude: TROUBLED,
          testTimeout: 120_000,
          maxWorkers: 4,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: { name: "scenarios-of-trouble", include: TROUBLED, testTimeout: 120_000, maxWorkers: 2, sequence: { groupOrder: 2 } },
      },
    ],
  },
});
