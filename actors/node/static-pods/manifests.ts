/**
 * Manifests of static pods: files of a directory that a node runs without the API. Source: kubelet's config/file.go and config/common.go (Kubernetes 1.34);
 * https://kubernetes.io/docs/tasks/configure-pod-container/static-pod/
 */
import { createHash } from "node:crypto";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import { PodKind } from "../../kinds/core/pod.ts";
import { apiReferenceOf } from "../../kinds/core/pod-references.ts";
import type { Pod } from "../../kinds/generated/types.ts";
import { errorsInNew } from "../../kinds/object-rules.ts";
import { checkBody } from "../../registry/check-body.ts";

export interface Manifests {
  readonly pods: readonly Pod[];
  /** Files that are none, by their paths, and why. */
  readonly troubles: ReadonlyMap<string, string>;
}

const MANIFEST_BYTES_MAX = 10 * 1_024 * 1_024;
const NAMESPACE_DEFAULT = "default";
const SOURCE = "kubernetes.io/config.source";
const HASH = "kubernetes.io/config.hash";

/** Of a directory, or of a single file; what begins with a dot is none. `node`: whose pods they become. Without the path there are none. */
export async function readManifests(path: string, node: string): Promise<Manifests> {
  const pods = new Map<string, Pod>();
  const troubles = new Map<string, string>();
  for (const file of await filesOf(path)) {
    try {
      const pod = staticPodOf(await textOf(file), file, node);
      const key = `${pod.metadata.namespace}/${pod.metadata.name}`;
      if (pods.has(key)) throw new Error(`another file has a pod of the name ${JSON.stringify(pod.metadata.name)}, which is run`);
      pods.set(key, pod);
    } catch (error) {
      // It went while one looked.
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") troubles.set(file, (error as Error).message);
    }
  }
  return { pods: [...pods.values()], troubles };
}

async function filesOf(path: string): Promise<readonly string[]> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) return [];
  if (!found.isDirectory()) return [path];
  return (await readdir(path))
    .filter((name) => !name.startsWith("."))
    .sort()
    .map((name) => join(path, name));
}

async function textOf(file: string): Promise<string> {
  const found = await stat(file);
  if (found.isDirectory()) throw new Error("it is a directory, and those within are not read");
  if (!found.isFile()) throw new Error("it is no file");
  if (found.size > MANIFEST_BYTES_MAX) throw new Error(`it has more than ${MANIFEST_BYTES_MAX} bytes`);
  return readFile(file, "utf8");
}

/** The pod of a manifest, as its node runs it. Pure. Throws an Error that says what is wrong with it. */
export function staticPodOf(text: string, file: string, node: string): Pod {
  const { object } = checkBody<Pod>(PodKind, JSON.stringify(parse(text) ?? null));
  const { apiVersion: _version, kind: _kind, status: _status, metadata, ...rest } = object as Pod & { apiVersion?: string; kind?: string };
  if (!metadata?.name) throw new Error("invalid pod: name is needed for the pod");
  // Another content is another pod, which takes the place of the one before.
  const uid = metadata.uid || hashOf(object, `host:${node}file:${file}`);
  const { name, namespace = NAMESPACE_DEFAULT, uid: _uid, ...others } = metadata;
  const pod: Pod = {
    metadata: {
      name: `${name}-${node.toLowerCase()}`,
      namespace,
      uid,
      ...others,
      creationTimestamp: "",
      annotations: { ...metadata.annotations, [HASH]: uid, [SOURCE]: "file" },
    },
    ...rest,
    spec: { ...rest.spec, nodeName: node, tolerations: [...(rest.spec?.tolerations ?? []), { operator: "Exists", effect: "NoExecute" }] },
  };
  PodKind.applyDefaults?.(pod);
  const errors = errorsInNew(PodKind, pod);
  if (errors.length > 0) throw new Error(`invalid pod: [${errors.map(({ field, message }) => `${field}: ${message}`).join(", ")}]`);
  const reference = apiReferenceOf(pod);
  if (reference !== undefined) throw new Error(`static pods may not reference ${reference}`);
  return pod;
}

function hashOf(object: object, where: string): string {
  return createHash("md5").update(JSON.stringify(object)).update(where).digest("hex");
}
