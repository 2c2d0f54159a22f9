import { afterEach, beforeEach, expect, test } from "vitest";
import type { ChaosReport } from "../../cluster/chaos/report.ts";
import { Launch } from "./launch.ts";
import { discard, freshDataDirectory, runTroupe, Troupe } from "./troupe.ts";

let data: string;
beforeEach(() => {
  data = freshDataDirectory();
});
afterEach(() => {
  new Launch(data, ["--help"]).killAll();
  discard(data);
});

test("troupe chaos does every kind of harm once, and finds all promises held; a plan that does not end in time is none that was kept", async () => {
  const troupe = await Troupe.up(data, ["--nodes", "8", "--threads", "2"]);
  const chaos = await runTroupe(["chaos", "--data", data, "--seed", "11", "--rounds", "7", "-o", "json"]);
  const report = JSON.parse(chaos.stdout) as ChaosReport;
  expect(report.verdicts.filter(({ held }) => !held)).toEqual([]);
  expect(report.done).toHaveLength(7);
  expect(chaos.code).toBe(0);

  const late = await runTroupe(["chaos", "--data", data, "--faults", "silence-nodes", "--rounds", "1", "--deadline", "1"]);
  expect(late.stdout).toMatch(/BROKE {2}the deadline came after 0 of 1 steps/);
  expect(late.code).toBe(1);
  await troupe.stop();

  const nobody = await runTroupe(["chaos", "--data", data]);
  expect([nobody.code, nobody.stderr]).toEqual([1, expect.stringMatching(/no Troupe runs on the data directory/)]);
}, 240_000);
