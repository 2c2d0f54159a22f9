import { createHash } from "node:crypto";
import { readdir } from "node:fs/promises";
import { join } from "node:path";

/** Where plugins and what they mount for pods lie on this machine, a directory for each of its nodes, which is laid out as kubelet's is: drivers read names of it. */
export class NodeDirectories {
  readonly root: string;

  constructor(root: string) {
    this.root = root;
  }

  /** Where plugins put the sockets by which they are found. */
  registryOf(node: string): string {
    return join(this.root, node, "plugins_registry");
  }

  /** Where plugins put their own. */
  pluginsOf(node: string): string {
    return join(this.root, node, "plugins");
  }

  /** Where drivers may describe devices that are nobody's but the node's. */
  cdiOf(node: string): string {
    return join(this.root, node, "cdi");
  }

  /** Of all pods of the node; each has a directory by its UID. */
  podsOf(node: string): string {
    return join(this.root, node, "pods");
  }

  /** Pods that may have something mounted, by node, whoever knows them. */
  async pods(): Promise<readonly { readonly node: string; readonly uid: string }[]> {
    const nodes = await readdir(this.root).catch(() => []);
    const all = nodes.map(async (node) => (await readdir(this.podsOf(node)).catch(() => [])).map((uid) => ({ node, uid })));
    return (await Promise.all(all)).flat();
  }

  /** Of the volumes that a plugin mounts for a pod. */
  volumesOf(node: string, uid: string, plugin: string): string {
    return join(this.podsOf(node), uid, "volumes", plugin);
  }

  /** Where a driver stages a volume, once for all pods of the node. Source: makeDeviceMountPath and GetStagingPath. */
  stagingOf(node: string, driver: string, handle: string, block: string | undefined): string {
    const csi = join(this.pluginsOf(node), "kubernetes.io", "csi");
    if (block !== undefined) return join(csi, "volumeDevices", "staging", block);
    return join(csi, driver, createHash("sha256").update(handle).digest("hex"), "globalmount");
  }
}
