import fc from "fast-check";
import { expect, test } from "vitest";
import { WriteGate } from "../../../actors/registry/write-gate.ts";

test("lets so many through at a time, the others in order, and gives each what came of it", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 5 }),
      fc.array(fc.boolean(), { maxLength: 40 }),
      fc.scheduler(),
      async (most, fails, scheduler) => {
        const gate = new WriteGate(most);
        const begun: number[] = [];
        let running = 0;
        const outcomes = Promise.allSettled(
          fails.map((fail, i) =>
            gate.through(async () => {
              begun.push(i);
              running++;
              expect(running).toBeLessThanOrEqual(most);
              await scheduler.schedule(Promise.resolve());
              running--;
              if (fail) throw new Error(`no ${i}`);
              return i;
            }),
          ),
        );
        await scheduler.waitFor(outcomes);
        expect(begun).toEqual(fails.map((_, i) => i));
        const said = (await outcomes).map((outcome) =>
          outcome.status === "fulfilled" ? outcome.value : (outcome.reason as Error).message,
        );
        expect(said).toEqual(fails.map((fail, i) => (fail ? `no ${i}` : i)));
      },
    ),
  );
});
