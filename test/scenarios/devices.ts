import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { until } from "../../cluster/chaos/until.ts";
import { CountingDriver } from "../actors/node/devices/counting-driver.ts";
import type { Kubectl } from "./kubectl.ts";

/** A driver of devices beside a cluster, and what one needs to use it. */
export function describeDevices(kubectl: () => Kubectl, data: string): void {
  const apply = (...objects: readonly object[]): Promise<string> =>
    kubectl().ok(["apply", "-f", "-"], { stdin: JSON.stringify({ apiVersion: "v1", kind: "List", items: objects }) });
  const of = (kind: string, name: string, spec: object): object => ({ apiVersion: "resource.k8s.io/v1", kind, metadata: { name }, spec });

  test("a driver of devices: a pod waits for it, gets the device that its claim from a template wants, and gives it back", async () => {
    const directory = mkdtempSync(join(tmpdir(), "troupe-dra-"));
    const driver = new CountingDriver(directory);
    const node = await kubectl().ok(["get", "nodes", "-o", "jsonpath={.items[0].metadata.name}"]);
    const devices = ["small", "large"].map((name, index) => ({ name, attributes: { size: { int: index } } }));
    const ofDriver = [{ cel: { expression: `device.driver == "${driver.name}"` } }];
    const isLarge = [{ cel: { expression: `device.attributes["${driver.name}"].size > 0` } }];
    const requests = [{ name: "r", exactly: { deviceClassName: "counting", selectors: isLarge } }];
    const script = 'echo "$COUNTED"; exec sleep 1000';
    const container = { name: "c", image: "busybox", command: ["sh", "-c", script], resources: { claims: [{ name: "gpu" }] } };
    try {
      await apply(
        of("ResourceSlice", "counting", {
          driver: driver.name,
          nodeName: node,
          pool: { name: node, generation: 1, resourceSliceCount: 1 },
          devices,
        }),
        of("DeviceClass", "counting", { selectors: ofDriver }),
        of("ResourceClaimTemplate", "counting", { spec: { devices: { requests } } }),
        {
          apiVersion: "v1",
          kind: "Pod",
          metadata: { name: "counts" },
          spec: {
            terminationGracePeriodSeconds: 1,
            resourceClaims: [{ name: "gpu", resourceClaimTemplateName: "counting" }],
            containers: [container],
          },
        },
      );
      await until("the node has told", async () =>
        (await kubectl().ok(["events", "--for=pod/counts"])).includes(`DRA driver ${driver.name} is not registered`),
      );
      await driver.begin(join(data, "nodes", node, "plugins_registry"), join(data, "nodes", node, "cdi"));
      await kubectl().ok(["wait", "--for=condition=Ready", "pod/counts", "--timeout=120s"]);
      const name = await kubectl().ok(["get", "pod", "counts", "-o", "jsonpath={.status.resourceClaimStatuses[0].resourceClaimName}"]);
      expect(await kubectl().ok(["logs", "counts"])).toBe(name);
      const claim = await kubectl().ok(["get", "resourceclaim", name, "-o", "jsonpath={.status.allocation.devices.results[*].device}"]);
      expect(claim).toBe("large");
      await kubectl().ok(["delete", "pod", "counts"]);
      await kubectl().ok(["wait", "--for=delete", `resourceclaim/${name}`, "--timeout=120s"]);
      expect(driver.calls).toEqual([`prepare ${name}`, `unprepare ${name}`]);
      await kubectl().ok(["delete", "deviceclass/counting", "resourceclaimtemplate/counting", "resourceslice/counting"]);
    } finally {
      await driver.end();
      rmSync(directory, { recursive: true, force: true });
    }
  });
}
