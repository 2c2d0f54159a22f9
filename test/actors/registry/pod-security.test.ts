/** The levels of pod security, held to the words of Kubernetes 1.34. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DeploymentKind } from "../../../actors/kinds/apps/deployment.ts";
import { NamespaceKind } from "../../../actors/kinds/core/namespace.ts";
import { PodKind } from "../../../actors/kinds/core/pod.ts";
import type { Deployment, Namespace, Pod } from "../../../actors/kinds/generated/types.ts";
import { askedBy, details, findings, type LevelVersion, printed } from "../../../actors/registry/admission/pod-security/levels.ts";
import type { TestRegistry } from "./harness.ts";
import { named, refusalOf, startRegistry } from "./harness.ts";

const GOOD = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ["ALL"] },
  runAsNonRoot: true,
  seccompProfile: { type: "RuntimeDefault" },
};

function container(more: object = {}, name = "c"): object {
  return { name, image: "i", securityContext: GOOD, ...more };
}

const secured = (securityContext: object, name = "c"): object => container({ securityContext: { ...GOOD, ...securityContext } }, name);

function podOf(spec: object, annotations: Record<string, string> = {}): Pod {
  return { metadata: { annotations }, spec: { containers: [container()], ...spec } } as unknown as Pod;
}

const RESTRICTED: LevelVersion = { level: "restricted", version: "latest" };
const BASELINE: LevelVersion = { level: "baseline", version: "latest" };

describe("baseline", () => {
  test.each<[object, Record<string, string> | undefined, string]>([
    [{}, undefined, ""],
    [{ hostNetwork: true, hostIPC: true }, undefined, "host namespaces (hostNetwork=true, hostIPC=true)"],
    [
      {
        volumes: [
          { name: "v", hostPath: { path: "/" } },
          { name: "w", emptyDir: {} },
        ],
      },
      undefined,
      'hostPath volumes (volume "v")',
    ],
    [
      { containers: [container({ ports: [{ hostPort: 80 }, { hostPort: 8080 }] }), container({ ports: [{ hostPort: 80 }] }, "d")] },
      undefined,
      'hostPort (containers "c", "d" use hostPorts 80, 8080)',
    ],
    [{ containers: [secured({ privileged: true })] }, undefined, 'privileged (container "c" must not set securityContext.privileged=true)'],
    [
      { containers: [secured({ capabilities: { add: ["NET_RAW", "CHOWN", "BPF"] } })] },
      undefined,
      'non-default capabilities (container "c" must not include "BPF", "NET_RAW" in securityContext.capabilities.add)',
    ],
    [
      { securityContext: { appArmorProfile: { type: "Unconfined" } } },
      { "container.apparmor.security.beta.kubernetes.io/c": "unconfined" },
      'forbidden AppArmor profiles (pod and annotation must not set AppArmor profile type to "Unconfined", "container.apparmor.security.beta.kubernetes.io/c="unconfined"")',
    ],
    [
      { containers: [secured({ procMount: "Unmasked" })] },
      undefined,
      'procMount (container "c" must not set securityContext.procMount to "Unmasked")',
    ],
    [
      { securityContext: { seLinuxOptions: { type: "spc_t", user: "u" } }, containers: [secured({ seLinuxOptions: { role: "r" } })] },
      undefined,
      'seLinuxOptions (pod and container "c" set forbidden securityContext.seLinuxOptions: type "spc_t"; user may not be set; role may not be set)',
    ],
    [
      { securityContext: { seccompProfile: { type: "Unconfined" } } },
      undefined,
      'seccompProfile (pod must not set securityContext.seccompProfile.type to "Unconfined")',
    ],
    [
      {
        securityContext: {
          sysctls: [
            { name: "kernel.msgmax", value: "1" },
            { name: "net.ipv4.tcp_rmem", value: "1" },
          ],
        },
      },
      undefined,
      "forbidden sysctls (kernel.msgmax)",
    ],
    [
      { securityContext: { windowsOptions: { hostProcess: true } } },
      undefined,
      "hostProcess (pod must not set securityContext.windowsOptions.hostProcess=true)",
    ],
    [
      { containers: [container({ livenessProbe: { httpGet: { host: "1.2.3.4", port: 80 } } })] },
      undefined,
      'probe or lifecycle host (container "c" uses probe or lifecycle host "1.2.3.4")',
    ],
  ])("%j", (spec, annotations, words) => {
    expect(details(findings(BASELINE, podOf(spec, annotations)))).toBe(words);
  });
});

describe("restricted", () => {
  test.each<[object, string]>([
    [{}, ""],
    [
      { containers: [{ name: "c" }] },
      'allowPrivilegeEscalation != false (container "c" must set securityContext.allowPrivilegeEscalation=false), ' +
        'unrestricted capabilities (container "c" must set securityContext.capabilities.drop=["ALL"]), ' +
        'runAsNonRoot != true (pod or container "c" must set securityContext.runAsNonRoot=true), ' +
        'seccompProfile (pod or container "c" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")',
    ],
    [
      { containers: [secured({ capabilities: { drop: ["ALL"], add: ["NET_BIND_SERVICE", "CHOWN"] } })] },
      'unrestricted capabilities (container "c" must not include "CHOWN" in securityContext.capabilities.add)',
    ],
    [
      {
        volumes: [
          { name: "a", hostPath: { path: "/" } },
          { name: "b", nfs: {} },
          { name: "s", secret: {} },
        ],
      },
      'restricted volume types (volumes "a", "b" use restricted volume types "hostPath", "nfs")',
    ],
    [
      { securityContext: { runAsNonRoot: false }, containers: [secured({ runAsNonRoot: false })] },
      'runAsNonRoot != true (pod and container "c" must not set securityContext.runAsNonRoot=false)',
    ],
    [{ containers: [secured({ runAsUser: 0 })] }, 'runAsUser=0 (container "c" must not set runAsUser=0)'],
    [
      { securityContext: { runAsNonRoot: true, seccompProfile: { type: "Localhost" } }, initContainers: [secured({ runAsUser: 0 }, "i")] },
      'runAsUser=0 (container "i" must not set runAsUser=0)',
    ],
    [{ os: { name: "windows" }, securityContext: { runAsNonRoot: true }, containers: [{ name: "c" }] }, ""],
  ])("%j", (spec, words) => {
    expect(details(findings(RESTRICTED, podOf(spec)))).toBe(words);
  });

  test("is what it was in an earlier version", () => {
    const root = podOf({ containers: [secured({ runAsUser: 0 })] });
    expect(findings({ level: "restricted", version: 22 }, root)).toEqual([]);
    const probing = podOf({ containers: [container({ livenessProbe: { tcpSocket: { host: "h", port: 1 } } })] });
    expect(findings({ level: "baseline", version: 33 }, probing)).toEqual([]);
    expect(findings({ level: "baseline", version: 99 }, probing)).toHaveLength(1);
  });
});

describe("the labels of a namespace", () => {
  test.each<[Record<string, string> | undefined, string]>([
    [undefined, "privileged:latest privileged:latest privileged:latest"],
    [{ "pod-security.kubernetes.io/enforce": "baseline" }, "baseline:latest privileged:latest baseline:latest"],
    [
      { "pod-security.kubernetes.io/enforce": "baseline", "pod-security.kubernetes.io/enforce-version": "v1.30" },
      "baseline:v1.30 privileged:latest baseline:v1.30",
    ],
    [
      {
        "pod-security.kubernetes.io/enforce": "baseline",
        "pod-security.kubernetes.io/warn": "restricted",
        "pod-security.kubernetes.io/audit": "restricted",
      },
      "baseline:latest restricted:latest restricted:latest",
    ],
    [{ "pod-security.kubernetes.io/enforce": "nope" }, "restricted:latest privileged:latest privileged:latest"],
  ])("%j", (labels, words) => {
    const { enforce, audit, warn } = askedBy(labels).policy;
    expect([enforce, audit, warn].map(printed).join(" ")).toBe(words);
  });
});

describe("at the door", () => {
  let t: TestRegistry;
  beforeEach(async () => {
    t = await startRegistry();
  });
  afterEach(() => t.stop());

  const label = async (labels: Record<string, string>, warn: (text: string) => void = () => {}): Promise<void> => {
    const prefixed = Object.fromEntries(Object.entries(labels).map(([key, value]) => [`pod-security.kubernetes.io/${key}`, value]));
    const change = (namespace: Namespace): Namespace => ({ ...namespace, metadata: { ...namespace.metadata, labels: prefixed } });
    const { revision } = await t.registry.modify(NamespaceKind, undefined, "d", change, { warn });
    await t.store.replica.until(revision);
  };
  const pod = (name: string, spec: object = {}): Pod =>
    named<Pod>(name, "d", { spec: { containers: [{ name: "c", image: "i" }], ...spec } });

  test("a pod that breaks what is enforced is refused", async () => {
    await label({ enforce: "baseline" });
    expect(await refusalOf(t.registry.create(PodKind, pod("p", { hostNetwork: true })))).toMatchObject({
      code: 403,
      reason: "Forbidden",
      message: 'pods "p" is forbidden: violates PodSecurity "baseline:latest": host namespaces (hostNetwork=true)',
      details: { name: "p", kind: "pods" },
    });
    await t.registry.create(PodKind, pod("q"));
  });

  test("what is to be warned of or audited is told", async () => {
    await label({ warn: "baseline", audit: "baseline", "audit-version": "v1.30" });
    const told: string[] = [];
    const options = {
      warn: (text: string) => void told.push(text),
      annotate: (key: string, value: string) => void told.push(`${key}: ${value}`),
    };
    await t.registry.create(PodKind, pod("p", { hostPID: true }), options);
    expect(told).toEqual([
      'pod-security.kubernetes.io/audit-violations: would violate PodSecurity "baseline:v1.30": host namespaces (hostPID=true)',
      "pod-security.kubernetes.io/enforce-policy: privileged:latest",
      'would violate PodSecurity "baseline:latest": host namespaces (hostPID=true)',
    ]);
  });

  test("who makes pods is warned, not refused", async () => {
    await label({ enforce: "baseline" });
    const told: string[] = [];
    const template = { metadata: { labels: { a: "b" } }, spec: { containers: [{ name: "c", image: "i" }], hostIPC: true } };
    const deployment = named<Deployment>("x", "d", { spec: { selector: { matchLabels: { a: "b" } }, template } });
    await t.registry.create(DeploymentKind, deployment, { warn: (text) => void told.push(text) });
    expect(told).toEqual(['would violate PodSecurity "baseline:latest": host namespaces (hostIPC=true)']);
  });

  test("a stricter level names the pods that would not be let in any more", async () => {
    for (const name of ["a", "b", "z"]) await t.registry.create(PodKind, pod(name, name === "z" ? { hostPID: true } : {}));
    const told: string[] = [];
    await label({ enforce: "restricted" }, (text) => void told.push(text));
    const restricted = "allowPrivilegeEscalation != false, unrestricted capabilities, runAsNonRoot != true, seccompProfile";
    expect(told).toEqual([
      'existing pods in namespace "d" violate the new PodSecurity enforce level "restricted:latest"',
      `a (and 1 other pod): ${restricted}`,
      `z: host namespaces, ${restricted}`,
    ]);
    await label({ enforce: "privileged" }, (text) => expect.fail(text));
  });

  test("labels that say nothing sensible are refused", async () => {
    expect(await refusalOf(label({ enforce: "nope", "warn-version": "1.30" }))).toMatchObject({
      code: 422,
      details: {
        causes: [
          {
            field: "metadata.labels[pod-security.kubernetes.io/enforce]",
            message: 'Invalid value: "nope": must be one of privileged, baseline, restricted',
          },
          {
            field: "metadata.labels[pod-security.kubernetes.io/warn-version]",
            message: 'Invalid value: "1.30": must be "latest" or "v1.x"',
          },
        ],
      },
    });
  });

  test("an image is looked at when it changes, and nothing else of a pod that is there", async () => {
    await t.registry.create(PodKind, pod("p", { hostPID: true }));
    await label({ enforce: "baseline" });
    const change = (next: object) => t.registry.modify<Pod>(PodKind, "d", "p", (current) => ({ ...current, ...next }));
    await change({ metadata: named<Pod>("p", "d", { metadata: { labels: { x: "y" } } }).metadata });
    const current = t.store.replica.get<Pod>("pods/d/p") as Pod;
    const containers = current.spec.containers.map((one) => ({ ...one, image: "other" }));
    expect(await refusalOf(change({ spec: { ...current.spec, containers } }))).toMatchObject({ code: 403 });
  });
});
