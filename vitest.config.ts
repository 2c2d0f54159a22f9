import { basename } from "node:path";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Scenarios that take servers away at measured moments, or have three of them elect a leader: these want half the machine each. */
const TROUBLED = ["crash", "nats-cluster", "patroni", "store-*", "store/*", "scheduler/*"].map((name) => `test/scenarios/${name}.test.ts`);

/** Of the scenarios, the longest first. */
const LONG = [
  ...["machines", "boot", "processes-life", "examples", "backup", "autoscaling", "kubectl", "kubectl-kinds", "book", "cri", "sandbox"],
  ...["store-adversary", "crash", "store-nats-cluster", "store-trouble", "patroni"],
].map((name) => `${name}.test.ts`);

/** A clone that is new does not know what takes long; begun last, it would be waited for alone. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const at = LONG.indexOf(basename(moduleId));
      return at < 0 ? LONG.length : at;
    };
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
  }
}

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    testTimeout: 60_000,
    hookTimeout: 300_000,
    setupFiles: ["test/actors/store/entry-equality.ts"],
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
          testTimeout: 300_000,
          maxWorkers: 4,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: { name: "scenarios-of-trouble", include: TROUBLED, testTimeout: 300_000, maxWorkers: 2, sequence: { groupOrder: 2 } },
      },
    ],
  },
});
