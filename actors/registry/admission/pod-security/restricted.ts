/** What the level `restricted` wants beside: pods that give away what they do not need. Source: k8s.io/pod-security-admission/policy. */
import type { Volume } from "../../../kinds/generated/types.ts";
import { seccompProfile } from "./baseline.ts";
import { type Check, containersOf, named, plural, quoted, setters, sortedSet } from "./words.ts";

const VOLUMES: ReadonlySet<string> = new Set([
  ...["configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image", "persistentVolumeClaim", "projected", "secret"],
]);
/** All others, in words of their own where those differ. */
const FORBIDDEN_VOLUMES: readonly string[] = [
  ...["hostPath", "gcePersistentDisk", "awsElasticBlockStore", "gitRepo", "nfs", "iscsi", "glusterfs", "rbd", "flexVolume", "cinder"],
  ...["cephfs", "flocker", "fc", "azureFile", "vsphereVolume", "quobyte", "azureDisk", "photonPersistentDisk", "portworxVolume", "scaleIO"],
  "storageos",
];

/** Pods of Windows have none of this, and may not say so. */
export function unlessWindows(check: Check): Check {
  return (pod) => (pod.spec.os?.name === "windows" ? undefined : check(pod));
}

export const allowPrivilegeEscalation: Check = ({ spec }) => {
  const bad = containersOf(spec).filter(({ securityContext }) => securityContext?.allowPrivilegeEscalation !== false);
  if (bad.length === 0) return undefined;
  const detail = `${named(
    "container",
    bad.map(({ name }) => name),
  )} must set securityContext.allowPrivilegeEscalation=false`;
  return { reason: "allowPrivilegeEscalation != false", detail };
};

export const restrictedCapabilities: Check = ({ spec }) => {
  const containers = containersOf(spec);
  const keeping = containers.filter(({ securityContext }) => securityContext?.capabilities?.drop?.includes("ALL") !== true);
  const adding = containers.filter(
    ({ securityContext }) => securityContext?.capabilities?.add?.some((one) => one !== "NET_BIND_SERVICE") === true,
  );
  const details: string[] = [];
  if (keeping.length > 0) {
    details.push(
      `${named(
        "container",
        keeping.map(({ name }) => name),
      )} must set securityContext.capabilities.drop=["ALL"]`,
    );
  }
  if (adding.length > 0) {
    const added = adding
      .flatMap(({ securityContext }) => securityContext?.capabilities?.add ?? [])
      .filter((one) => one !== "NET_BIND_SERVICE");
    const who = named(
      "container",
      adding.map(({ name }) => name),
    );
    details.push(`${who} must not include ${quoted(sortedSet(added))} in securityContext.capabilities.add`);
  }
  return details.length === 0 ? undefined : { reason: "unrestricted capabilities", detail: details.join("; ") };
};

export const restrictedVolumes: Check = ({ spec }) => {
  const sourceOf = (volume: Volume): string => Object.keys(volume).find((key) => key !== "name") ?? "unknown";
  const bad = (spec.volumes ?? []).filter((volume) => !VOLUMES.has(sourceOf(volume)));
  if (bad.length === 0) return undefined;
  const types = sortedSet(bad.map(sourceOf).map((type) => (FORBIDDEN_VOLUMES.includes(type) ? type : "unknown")));
  const words = `${plural("uses", "use", bad.length)} ${plural("restricted volume type", "restricted volume types", types.length)}`;
  return {
    reason: "restricted volume types",
    detail: `${named(
      "volume",
      bad.map(({ name }) => name),
    )} ${words} ${quoted(types)}`,
  };
};

export const runAsNonRoot: Check = ({ spec }) => {
  const reason = "runAsNonRoot != true";
  const own = spec.securityContext?.runAsNonRoot;
  const containers = containersOf(spec);
  const bad = containers.filter(({ securityContext }) => securityContext?.runAsNonRoot === false);
  if (own === false || bad.length > 0) {
    const who = setters(
      own === false,
      bad.map(({ name }) => name),
    );
    return { reason, detail: `${who} must not set securityContext.runAsNonRoot=false` };
  }
  const silent = own === true ? [] : containers.filter(({ securityContext }) => securityContext?.runAsNonRoot === undefined);
  if (silent.length === 0) return undefined;
  return {
    reason,
    detail: `pod or ${named(
      "container",
      silent.map(({ name }) => name),
    )} must set securityContext.runAsNonRoot=true`,
  };
};

export const runAsUser: Check = ({ spec }) => {
  const own = spec.securityContext?.runAsUser === 0;
  const bad = containersOf(spec).filter(({ securityContext }) => securityContext?.runAsUser === 0);
  if (!own && bad.length === 0) return undefined;
  return {
    reason: "runAsUser=0",
    detail: `${setters(
      own,
      bad.map(({ name }) => name),
    )} must not set runAsUser=0`,
  };
};

export const restrictedSeccompProfile: Check = (pod) => {
  const wrong = seccompProfile(pod);
  if (wrong !== undefined) return wrong;
  const { spec } = pod;
  if (spec.securityContext?.seccompProfile !== undefined) return undefined;
  const silent = containersOf(spec).filter(({ securityContext }) => securityContext?.seccompProfile === undefined);
  if (silent.length === 0) return undefined;
  const who = named(
    "container",
    silent.map(({ name }) => name),
  );
  return {
    reason: "seccompProfile",
    detail: `pod or ${who} must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"`,
  };
};
