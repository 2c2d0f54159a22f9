import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { groupWithin } from "../../../../actors/node/cgroups/control-group.ts";
import type { QosClass, SandboxSpec } from "../../../../actors/node/container-runtime.ts";
import { PodGroups } from "../../../../actors/node/sandbox/pod-groups.ts";

test.each([
  ["Guaranteed", ["podu"]],
  ["Burstable", ["burstable", "podu"]],
  ["BestEffort", ["besteffort", "podu"]],
] as const)("the first pod of a machine may be %s; pods that ask for nothing have nothing for sure", (qosClass: QosClass, names) => {
  const cpu = mkdtempSync(join(tmpdir(), "troupe-groups-"));
  try {
    mkdirSync(join(cpu, "troupe"));
    const root = { version: 1, directories: { cpu }, others: [] } as const;
    const pod = { uid: "u", qosClass, requests: {}, limits: qosClass === "BestEffort" ? {} : { cpu: 500 } };
    new PodGroups(root, ["troupe"], undefined).makePod(pod as unknown as SandboxSpec);
    const sharesOf = (...group: readonly string[]): string =>
      readFileSync(join(groupWithin(root, "troupe", ...group).directories.cpu ?? "", "cpu.shares"), "utf8");
    expect(sharesOf(...names)).toBe(qosClass === "BestEffort" ? "2" : "512");
    expect(sharesOf("besteffort")).toBe("2");
  } finally {
    rmSync(cpu, { recursive: true });
  }
});
