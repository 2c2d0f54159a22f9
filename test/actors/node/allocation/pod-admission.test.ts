import { expect, test } from "vitest";
import type { Node, Pod, PodSpec } from "../../../../actors/kinds/generated/types.ts";
import { type AdmittingNode, type Pressure, rejectionOf } from "../../../../actors/node/allocation/pod-admission.ts";
import { SysctlAllowlist } from "../../../../actors/node/allocation/sysctl-allowlist.ts";

const NODE = {
  metadata: { name: "n", uid: "n", creationTimestamp: "", labels: { disk: "ssd" } },
  spec: { taints: [{ key: "down", effect: "NoExecute" }] },
  status: { allocatable: { cpu: "4", memory: "8Gi", pods: "2" } },
} as unknown as Node;

const pod = (spec: Partial<PodSpec>): Pod =>
  ({
    metadata: { name: "p", namespace: "d", uid: "p", creationTimestamp: "" },
    spec: { containers: [{ name: "c" }], tolerations: [{ operator: "Exists", effect: "NoExecute" }], ...spec },
  }) as Pod;

const at = (pressures: readonly Pressure[] = [], others: readonly Pod[] = []): AdmittingNode => ({
  node: NODE,
  others,
  pressures,
  sysctls: new SysctlAllowlist(["net.core.*"]),
});
const asks = (resources: object, ports: object[] = []): Partial<PodSpec> => ({
  containers: [{ name: "c", resources: { requests: resources }, ports }] as PodSpec["containers"],
});
const setting = (name: string): Partial<PodSpec> => ({ securityContext: { sysctls: [{ name, value: "1" }] } });
const port = (rest: object = {}): Partial<PodSpec> => asks({}, [{ containerPort: 80, hostPort: 80, ...rest }]);

test.each<[string, Pod, AdmittingNode, string | undefined, string?]>([
  ["one that fits", pod({}), at(), undefined],
  [
    "one too many",
    pod({}),
    at([], [pod({}), pod({})]),
    "OutOfpods",
    "Node didn't have enough resource: pods, requested: 1, used: 2, capacity: 2",
  ],
  ["much memory", pod(asks({ memory: "9Gi" })), at(), "OutOfmemory"],
  ["what no node knows", pod(asks({ "example.com/gpu": "1" })), at(), undefined],
  [
    "another kind of node",
    pod({ nodeSelector: { disk: "hdd" } }),
    at(),
    "NodeAffinity",
    "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector",
  ],
  ["another one's port", pod(port()), at([], [pod(port({ hostIP: "127.0.0.1" }))]), "NodePorts"],
  ["the same port of another protocol", pod(port()), at([], [pod(port({ protocol: "UDP" }))]), undefined],
  ["a taint", pod({ tolerations: [] }), at(), "TaintToleration"],
  ["a safe setting of the kernel", pod(setting("kernel/shm_rmid_forced")), at(), undefined],
  ["one that its node allows", pod(setting("net.core.somaxconn")), at(), undefined],
  ["an unsafe one", pod(setting("kernel.msgmax")), at(), "SysctlForbidden", 'forbidden sysctl: "kernel.msgmax" not allowlisted'],
  [
    "one of the machine's network",
    pod({ ...setting("net.ipv4.tcp_rmem"), hostNetwork: true }),
    at(),
    "SysctlForbidden",
    'forbidden sysctl: "net.ipv4.tcp_rmem" not allowed with host Net enabled',
  ],
  [
    "groups of its own alone",
    pod({ securityContext: { supplementalGroupsPolicy: "Strict" } }),
    at(),
    "SupplementalGroupsPolicyNotSupported",
    "SupplementalGroupsPolicy=Strict is not supported in this node",
  ],
  ["a profile of AppArmor", pod({ securityContext: { appArmorProfile: { type: "RuntimeDefault" } } }), at(), "AppArmor"],
  ["none of AppArmor", pod({ securityContext: { appArmorProfile: { type: "Unconfined" } } }), at(), undefined],
  ["another system", pod({ os: { name: "windows" } }), at(), "PodOSNotSupported"],
  ["best effort without memory", pod({}), at(["MemoryPressure"]), "Evicted", "The node had condition: [MemoryPressure]. "],
  ["who asked for memory", pod(asks({ memory: "1Mi" })), at(["MemoryPressure"]), undefined],
  [
    "who bears it",
    pod({
      tolerations: [
        { key: "node.kubernetes.io/memory-pressure", operator: "Exists" },
        { operator: "Exists", effect: "NoExecute" },
      ],
    }),
    at(["MemoryPressure"]),
    undefined,
  ],
  ["anyone without disk", pod(asks({ memory: "1Mi" })), at(["DiskPressure"]), "Evicted"],
  ["a critical one", pod({ priority: 2_000_000_000, ...asks({ cpu: "9" }) }), at(["DiskPressure"]), undefined],
])("%s", (_name, wanted, where, reason, message) => {
  const rejection = rejectionOf(wanted, false, where);
  expect(rejection?.reason).toBe(reason);
  if (message !== undefined) expect(rejection?.message).toBe(message);
});

test("what the node runs by itself lives with its taints", () => {
  expect(rejectionOf(pod({ tolerations: [] }), true, at())).toBeUndefined();
});
