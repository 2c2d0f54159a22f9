import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { until } from "../../cluster/chaos/until.ts";
import { LinkingDriver } from "../actors/node/csi/linking-driver.ts";
import type { Kubectl } from "./kubectl.ts";

const CLAIM = "linked";
const WRITES = 'echo "$HOSTNAME" >>"$TROUPE_PATH_SRV/rows"; sleep 1000';

/** A CSI driver beside a cluster, whose controller's side Troupe calls by `--csi-controller`. */
export class CsiBeside {
  readonly directory: string = mkdtempSync(join(tmpdir(), "troupe-csi-"));
  readonly driver: LinkingDriver = new LinkingDriver(this.directory);
  readonly #kubectl: () => Kubectl;
  #letGoOn: () => void = () => {};

  constructor(kubectl: () => Kubectl) {
    this.#kubectl = kubectl;
  }

  async end(): Promise<void> {
    await this.driver.end();
    rmSync(this.directory, { recursive: true, force: true });
  }

  async begin(data: string): Promise<void> {
    const node = await this.#kubectl().ok(["get", "nodes", "-o", "jsonpath={.items[0].metadata.name}"]);
    await this.driver.begin(join(data, "nodes", node, "plugins_registry"));
    await this.#apply({
      apiVersion: "storage.k8s.io/v1",
      kind: "CSIDriver",
      metadata: { name: this.driver.name },
      spec: { podInfoOnMount: true },
    });
    await this.#apply({
      apiVersion: "storage.k8s.io/v1",
      kind: "StorageClass",
      metadata: { name: "linking" },
      provisioner: this.driver.name,
      volumeBindingMode: "WaitForFirstConsumer",
      allowVolumeExpansion: true,
      parameters: { "csi.storage.k8s.io/fstype": "ext4", kind: "fast" },
    });
  }

  /** Until there are as many rows, of the pods' names. */
  async rows(...names: readonly string[]): Promise<void> {
    await this.#kubectl().ok(["wait", "--for=jsonpath={.status.phase}=Bound", `pvc/${CLAIM}`, "--timeout=120s"]);
    const file = join(this.driver.pathOf(await this.#get("pvc", CLAIM, ".spec.volumeName")), "rows");
    await until("the rows", () => existsSync(file) && readFileSync(file, "utf8").trim() === names.join("\n"));
  }

  async pod(name: string): Promise<void> {
    await this.#apply({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name },
      spec: {
        terminationGracePeriodSeconds: 1,
        volumes: [{ name: "v", persistentVolumeClaim: { claimName: CLAIM } }],
        containers: [{ name: "c", image: "busybox", command: ["sh", "-c", WRITES], volumeMounts: [{ name: "v", mountPath: "/srv" }] }],
      },
    });
  }

  /** A pod begins whose volume is staged, and whose driver takes its time to publish it. */
  async hold(): Promise<void> {
    const held = new Promise<void>((resolve) => {
      this.driver.before.set("NodePublishVolume", () => {
        resolve();
        return new Promise((goOn) => {
          this.#letGoOn = goOn;
        });
      });
    });
    await this.pod("held");
    await held;
  }

  /** What was held goes on; whoever asked may be dead. */
  async goOn(): Promise<void> {
    this.driver.before.clear();
    this.#letGoOn();
    await this.#kubectl().ok(["wait", "--for=condition=Ready", "pod/held", "--timeout=120s"]);
  }

  async claim(size: string): Promise<void> {
    await this.#apply({
      apiVersion: "v1",
      kind: "PersistentVolumeClaim",
      metadata: { name: CLAIM },
      spec: { storageClassName: "linking", accessModes: ["ReadWriteOnce"], resources: { requests: { storage: size } } },
    });
  }

  async grown(size: string): Promise<void> {
    await until("more room", async () => (await this.#get("pvc", CLAIM, ".status.capacity.storage")) === size);
  }

  async allGone(): Promise<void> {
    await this.#kubectl().ok(["delete", "pvc", CLAIM]);
    await until("nothing is left", async () => (await this.#kubectl().ok(["get", "pv,volumeattachment", "-o", "name"])) === "");
  }

  #get(kind: string, name: string, path: string): Promise<string> {
    return this.#kubectl().ok(["get", kind, name, "-o", `jsonpath={${path}}`]);
  }

  #apply(object: object): Promise<string> {
    return this.#kubectl().ok(["apply", "-f", "-"], { stdin: JSON.stringify(object) });
  }
}

export function describeCsi(kubectl: () => Kubectl, csi: () => CsiBeside, data: string): void {
  test("a CSI driver: a claim gets a volume, a pod writes to it, the next one finds that there, and it grows under it", async () => {
    const beside = csi();
    await beside.begin(data);
    await beside.claim("1Gi");
    await beside.pod("first");
    await beside.rows("first");
    await kubectl().ok(["delete", "pod", "first"]);
    await beside.pod("second");
    await beside.rows("first", "second");
    await beside.claim("2Gi");
    await beside.grown("2Gi");
    expect(await kubectl().ok(["get", "events", "-o", "jsonpath={.items[*].reason}"])).toContain("FileSystemResizeSuccessful");
    await kubectl().ok(["delete", "pod", "second"]);
    const calls = beside.driver.methods();
    const mounted = ["ControllerPublishVolume", "NodeStageVolume", "NodePublishVolume"];
    expect(calls.slice(0, 4)).toEqual(["CreateVolume", ...mounted]);
    expect(calls).toEqual(
      expect.arrayContaining(["NodeUnpublishVolume", "NodeUnstageVolume", "ControllerExpandVolume", "NodeExpandVolume"]),
    );
  });
}
