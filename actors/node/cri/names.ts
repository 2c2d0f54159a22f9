import { createHash } from "node:crypto";
import type { ContainerSpec, SandboxSpec } from "../container-runtime.ts";

/**
 * What sandboxes and containers are found again by. Source: kubelet's labels.go; those that begin with troupe.dev are Troupe's own, since what it wants to know again of a
 * container is not all what a kubelet does.
 */
export const LABEL = {
  podName: "io.kubernetes.pod.name",
  podNamespace: "io.kubernetes.pod.namespace",
  podUid: "io.kubernetes.pod.uid",
  container: "io.kubernetes.container.name",
  /** Whose pods they are: a kubelet, or another Troupe, may have some in the same runtime. */
  owner: "troupe.dev/owner",
} as const;

export const ANNOTATION = {
  restartCount: "io.kubernetes.container.restartCount",
  terminationMessagePath: "io.kubernetes.container.terminationMessagePath",
  terminationMessagePolicy: "io.kubernetes.container.terminationMessagePolicy",
  /** As the pod's spec names it. */
  image: "troupe.dev/image",
  /** What it was made to ask for and take. */
  resources: "troupe.dev/resources",
} as const;

/** The value of the label `owner` for the pods of a directory. */
export function ownerOf(directory: string): string {
  return createHash("sha256").update(directory).digest("hex").slice(0, 16);
}

export function podLabels(
  { name, namespace, uid }: Pick<SandboxSpec, "name" | "namespace" | "uid">,
  owner: string,
): Record<string, string> {
  return { [LABEL.podName]: name, [LABEL.podNamespace]: namespace, [LABEL.podUid]: uid, [LABEL.owner]: owner };
}

export function containerAnnotations({ attempt, image, size, terminationMessage }: ContainerSpec): Record<string, string> {
  return {
    [ANNOTATION.restartCount]: String(attempt),
    [ANNOTATION.terminationMessagePath]: terminationMessage.path,
    [ANNOTATION.terminationMessagePolicy]: terminationMessage.fallsBackToLog ? "FallbackToLogsOnError" : "File",
    [ANNOTATION.image]: image,
    [ANNOTATION.resources]: JSON.stringify(size.resources),
  };
}

/** What a sandbox is called outside of the runtime: its pod is in its name. */
export function sandboxName(uid: string, id: string): string {
  return `${uid}_${id}`;
}

export function sandboxOf(name: string): { readonly uid: string; readonly id: string } {
  const end = name.lastIndexOf("_");
  return { uid: name.slice(0, end), id: name.slice(end + 1) };
}
