import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { until } from "../../cluster/chaos/until.ts";
import { freshDataDirectory, runTroupe, Troupe } from "./troupe.ts";

/** A node whose pods lie on a small disk of their own, in memory, which nobody else sees. */
const DISK_MI = 64;

/** Why this machine lets nobody mount one. */
function refusal(): string | undefined {
  try {
    execFileSync("unshare", ["--mount", "--propagation", "private", "--", "mount", "-t", "tmpfs", "none", "/mnt"], { stdio: "pipe" });
    return undefined;
  } catch (error) {
    return (error as Error).message.split("\n")[0];
  }
}
const why = refusal();

describe.skipIf(why !== undefined)(`a node with a small disk${why === undefined ? "" : ` (not here: ${why})`}`, () => {
  let troupe: Troupe;
  const data = freshDataDirectory();
  beforeAll(async () => {
    const pods = join(data, "pods");
    mkdirSync(pods, { recursive: true });
    const mounts = `mount -t tmpfs -o size=${DISK_MI}m none '${pods}' && exec "$@"`;
    const within = ["unshare", "--mount", "--propagation", "private", "--", "sh", "-c", mounts, "sh"];
    const flags = ["--runtime", "process", "--eviction-hard", "nodefs.available<32Mi", "--eviction-pressure-transition-period", "5s"];
    troupe = await Troupe.up(data, flags, { within });
  });
  afterAll(async () => {
    await runTroupe(["reset", "--data", data, "--force"]);
    await troupe?.discard();
  });

  test("a pod that fills it goes, the other one stays, and the node says how it is", async () => {
    const { kubectl } = troupe;
    const pod = (name: string, script: string, rest: object = {}): string =>
      JSON.stringify({
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name },
        spec: {
          containers: [{ name: "c", image: "busybox", command: ["sh", "-c", `${script}; sleep 1000`], ...rest }],
          volumes: [{ name: "v", emptyDir: {} }],
        },
      });
    const mounted = { volumeMounts: [{ name: "v", mountPath: "/v" }] };
    const fill = (mi: number): string => `dd if=/dev/zero of="$TROUPE_PATH_V/file" bs=1M count=${mi} 2>/dev/null`;
    const limited = { ...mounted, resources: { limits: { "ephemeral-storage": "1Mi" } } };
    for (const stdin of [pod("calm", "true"), pod("limited", fill(2), limited), pod("fills", fill(40), mounted)])
      await kubectl.ok(["apply", "-f", "-"], { stdin });
    const field = (name: string, path: string): Promise<string> => kubectl.ok(["get", "pod", name, "-o", `jsonpath={${path}}`]);
    await until("the eviction", async () => (await field("fills", ".status.reason")) === "Evicted");
    expect(await field("fills", ".status.message")).toMatch(
      /^The node was low on resource: ephemeral-storage\. Threshold quantity: 32Mi, available: \d+Ki\. Container c was using \d+Ki, request is 0, has larger consumption of ephemeral-storage\.$/,
    );
    expect(await field("fills", ".status.conditions[?(@.type=='DisruptionTarget')].reason")).toBe("TerminationByKubelet");
    await until("the other eviction", async () => (await field("limited", ".status.reason")) === "Evicted");
    expect(await field("limited", ".status.message")).toBe("Pod ephemeral local storage usage exceeds the total limit of containers 1Mi.");
    const condition = "jsonpath={.items[0].status.conditions[?(@.type=='DiskPressure')].status}";
    await until("enough again", async () => (await kubectl.ok(["get", "nodes", "-o", condition])) === "False");
    const events = await kubectl.ok(["get", "events", "-A"]);
    for (const told of ["NodeHasDiskPressure", "NodeHasNoDiskPressure", "Attempting to reclaim ephemeral-storage"])
      expect(events).toContain(told);
    expect([await field("calm", ".status.phase"), await field("calm", ".status.containerStatuses[0].restartCount")]).toEqual([
      "Running",
      "0",
    ]);
  });
});
