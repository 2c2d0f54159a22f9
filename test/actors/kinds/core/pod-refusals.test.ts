/** What is refused of pods, in Kubernetes' words. Source: pkg/apis/core/validation of 1.34. */
import { describe, expect, test } from "vitest";
import { PodKind } from "../../../../actors/kinds/core/pod.ts";
import { validatePodTemplate } from "../../../../actors/kinds/core/pod-validation.ts";
import type { Pod } from "../../../../actors/kinds/generated/types.ts";
import { shape } from "../../../../actors/kinds/machinery/shape.ts";
import type { FieldError } from "../../../../actors/kinds/status.ts";

const printed = (errors: readonly FieldError[]): string[] => errors.map(({ field, message }) => `${field}: ${message}`);
const CONTAINER = { name: "c", image: "i" };

function podOf(spec: object, annotations: object = {}): Pod {
  const metadata = { name: "p", namespace: "ns", uid: "u", annotations };
  const pod = shape(
    PodKind.schema,
    structuredClone({ metadata, spec: { containers: [CONTAINER], serviceAccountName: "default", ...spec } }),
  );
  const object = pod.object as unknown as Pod;
  PodKind.applyDefaults?.(object);
  return object;
}

describe("a new pod", () => {
  test.each<[what: string, spec: object, errors: string[]]>([
    ["nothing wrong", {}, []],
    [
      "devices",
      {
        containers: [
          {
            ...CONTAINER,
            volumeDevices: [
              { name: "v", devicePath: "/a/../b" },
              { name: "w", devicePath: "/d" },
            ],
          },
        ],
        volumes: [{ name: "v", emptyDir: {} }],
      },
      [
        'spec.containers[0].volumeDevices[0].name: Invalid value: "v": can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode',
        "spec.containers[0].volumeDevices[0].devicePath: Invalid value: \"/a/../b\": can not contain backsteps ('..')",
        'spec.containers[0].volumeDevices[1].name: Not found: "w"',
      ],
    ],
    [
      "mounts",
      {
        containers: [
          {
            ...CONTAINER,
            volumeMounts: [
              { name: "v", mountPath: "/m", subPath: "../x", recursiveReadOnly: "Enabled", mountPropagation: "Bidirectional" },
            ],
          },
        ],
        volumes: [{ name: "v", emptyDir: {} }],
      },
      [
        "spec.containers[0].volumeMounts.subPath: Invalid value: \"../x\": must not contain '..'",
        "spec.containers[0].volumeMounts.mountPropagation: Forbidden: Bidirectional mount propagation is available only to privileged containers",
        "spec.containers[0].volumeMounts.recursiveReadOnly: Forbidden: may only be specified when readOnly is true",
        "spec.containers[0].volumeMounts.recursiveReadOnly: Forbidden: may only be specified when mountPropagation is None or not specified",
      ],
    ],
    [
      "resources",
      { containers: [{ ...CONTAINER, resources: { limits: { "hugepages-2Mi": "3Mi" }, claims: [{ name: "gpu" }] } }] },
      [
        'spec.containers[0].resources.limits[hugepages-2Mi]: Invalid value: "3Mi": 3Mi is not positive integer multiple of hugepages-2Mi',
        'spec.containers[0].resources.requests[hugepages-2Mi]: Invalid value: "3Mi": 3Mi is not positive integer multiple of hugepages-2Mi',
        "spec.containers[0].resources: Forbidden: HugePages require cpu or memory",
        'spec.containers[0].resources.claims[0]: Not found: "gpu": must be one of the names in pod.spec.resourceClaims which is empty',
      ],
    ],
    [
      "what the pod asks for as a whole",
      {
        containers: [{ ...CONTAINER, resources: { requests: { cpu: "2" }, limits: { cpu: "3" } } }],
        resources: { requests: { cpu: "1", "x.y/z": "1" }, limits: { cpu: "2", "x.y/z": "1" } },
      },
      [
        'spec.resources.limits[x.y/z]: Unsupported value: "x.y/z": supported values: "cpu", "hugepages-", "memory"',
        'spec.resources.requests[x.y/z]: Unsupported value: "x.y/z": supported values: "cpu", "hugepages-", "memory"',
        'spec.resources.requests[cpu]: Invalid value: "1": must be greater than or equal to aggregate container requests of 2',
        'spec.resources.containers[0][cpu].limits: Invalid value: "3": must be less than or equal to pod limits of 2',
      ],
    ],
    [
      "resizing",
      {
        restartPolicy: "Never",
        containers: [{ ...CONTAINER, resizePolicy: [{ resourceName: "disk", restartPolicy: "RestartContainer" }] }],
      },
      [
        'spec.containers[0].resizePolicy: Unsupported value: "disk": supported values: "cpu", "memory"',
        "spec.containers[0].resizePolicy: Invalid value: \"RestartContainer\": must be 'NotRequired' when `restartPolicy` is 'Never'",
      ],
    ],
    [
      "security",
      {
        hostNetwork: true,
        securityContext: {
          sysctls: [
            { name: "net.core.somaxconn", value: "1" },
            { name: "A", value: "1" },
          ],
          supplementalGroupsPolicy: "Some",
          appArmorProfile: { type: "Localhost" },
        },
        containers: [
          {
            ...CONTAINER,
            securityContext: { procMount: "Unmasked", seccompProfile: { type: "RuntimeDefault", localhostProfile: "x" } },
          },
        ],
      },
      [
        'spec.containers[0].securityContext.procMount: Invalid value: "Unmasked": `hostUsers` must be false to use `Unmasked`',
        'spec.containers[0].securityContext.seccompProfile.localhostProfile: Invalid value: {"Type":"RuntimeDefault","LocalhostProfile":"x"}: can only be set when seccomp type is Localhost',
        "spec.securityContext.sysctls[0].name: Invalid value: \"net.core.somaxconn\": may not be specified when 'hostNetwork' is true",
        'spec.securityContext.sysctls[1].name: Invalid value: "A": must have at most 253 characters and match regex ^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$',
        "spec.securityContext.appArmorProfile.localhostProfile: Required value: must be set when AppArmor type is Localhost",
        'spec.securityContext.supplementalGroupsPolicy: Unsupported value: "Some": supported values: "Merge", "Strict"',
      ],
    ],
    [
      "names and addresses",
      {
        dnsConfig: { nameservers: ["1.2.3", "1.1.1.1", "1.1.1.1", "1.1.1.1"], searches: ["_a.b", "."] },
        hostAliases: [{ ip: "x", hostnames: ["ok"] }],
        hostUsers: false,
        hostPID: true,
      },
      [
        'spec.dnsConfig.nameservers: Invalid value: ["1.2.3","1.1.1.1","1.1.1.1","1.1.1.1"]: must not have more than 3 nameservers',
        'spec.dnsConfig.nameservers[0]: Invalid value: "1.2.3": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
        "spec.HostPID: Forbidden: when `hostUsers` is false",
        'spec.hostAliases[0].ip: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
      ],
    ],
    [
      "projected volumes",
      {
        serviceAccountName: "",
        volumes: [
          {
            name: "v",
            projected: {
              sources: [
                { secret: { name: "s", items: [{ key: "k", path: "..x" }] }, configMap: { name: "c", items: [{ key: "k", path: "..x" }] } },
                { serviceAccountToken: { path: "t", expirationSeconds: 1 } },
              ],
            },
          },
        ],
      },
      [
        "spec.volumes[0].projected.sources[0].secret.items[0].path: Invalid value: \"..x\": must not start with '..'",
        "spec.volumes[0].projected.sources[0].configMap.items[0].path: Invalid value: \"..x\": must not start with '..'",
        'spec.volumes[0].projected: Invalid value: "c": conflicting duplicate paths',
        "spec.volumes[0].projected.sources[0]: Forbidden: may not specify more than 1 volume type per source",
        "spec.volumes[0].projected.sources[1].serviceAccountToken.expirationSeconds: Invalid value: 1: may not specify a duration less than 10 minutes",
        "spec.volumes[0].projected.sources[1].serviceAccountToken: Forbidden: must not be specified when serviceAccountName is not set",
      ],
    ],
    [
      "claims on devices",
      { resourceClaims: [{ name: "a" }] },
      [
        'spec.resourceClaims[0]: Invalid value: {"Name":"a","ResourceClaimName":null,"ResourceClaimTemplateName":null}: must specify one of: `resourceClaimName`, `resourceClaimTemplateName`',
      ],
    ],
    [
      "another system",
      { os: { name: "windows" }, hostIPC: true, containers: [{ ...CONTAINER, securityContext: { runAsUser: 1 } }] },
      [
        "spec.hostIPC: Forbidden: cannot be set for a windows pod",
        "spec.containers[0].securityContext.runAsUser: Forbidden: cannot be set for a windows pod",
      ],
    ],
    ["no system", { os: { name: "plan9" } }, ['spec.os: Unsupported value: "plan9": supported values: "linux", "windows"']],
    [
      "spreading",
      { topologySpreadConstraints: [{ maxSkew: 1, topologyKey: "a b", whenUnsatisfiable: "DoNotSchedule", matchLabelKeys: ["x"] }] },
      ["spec.topologySpreadConstraints[0].matchLabelKeys: Forbidden: must not be specified when labelSelector is not set"],
    ],
    [
      "what comes later",
      { nodeName: "n", schedulingGates: [{ name: "g" }] },
      ["spec.nodeName: Forbidden: cannot be set until all schedulingGates have been cleared"],
    ],
    [
      "room around an image",
      { containers: [{ name: "c", image: " i" }] },
      ['spec.containers[0].image: Invalid value: " i": must not have leading or trailing whitespace'],
    ],
  ])("%s", (_what, spec, errors) => {
    expect(printed(PodKind.validate(podOf(spec)))).toEqual(errors);
  });

  test("says nothing in annotations that it could not mean", () => {
    const annotations = {
      "controller.kubernetes.io/pod-deletion-cost": "+1",
      "kubernetes.io/config.mirror": "x",
      "seccomp.security.alpha.kubernetes.io/pod": "none",
    };
    expect(printed(PodKind.validate(podOf({}, annotations)))).toEqual([
      'metadata.annotations[kubernetes.io/config.mirror]: Invalid value: "x": must set spec.nodeName if mirror pod annotation is set',
      'metadata.annotations[controller.kubernetes.io/pod-deletion-cost]: Invalid value: "+1": must be a 32bit integer',
      'metadata.annotations.seccomp.security.alpha.kubernetes.io/pod: Invalid value: "none": must be a valid seccomp profile',
    ]);
  });

  test("loses what only comes by feature gates that are closed", () => {
    const { spec } = podOf({
      hostnameOverride: "h",
      containers: [
        { ...CONTAINER, restartPolicy: "Never", lifecycle: { stopSignal: "SIGTERM" }, volumeMounts: [{ name: "i", mountPath: "/i" }] },
      ],
      volumes: [{ name: "i", image: { reference: "r" } }],
    });
    expect(spec).not.toHaveProperty("hostnameOverride");
    expect(spec.volumes).toEqual([]);
    const [container] = spec.containers;
    expect(container).not.toHaveProperty("restartPolicy");
    expect(container).not.toHaveProperty("lifecycle");
    expect(container?.volumeMounts).toEqual([]);
  });
});

test("a template may have room around an image, and is silent about ports of the node", () => {
  const { spec } = podOf({ containers: [{ name: "c", image: " i", ports: [{ containerPort: 80 }] }] });
  expect(validatePodTemplate({ spec: { ...spec, hostNetwork: true } }, "template")).toEqual([]);
});

describe("a pod that changes", () => {
  const change = (before: object, after: object): string[] => printed(PodKind.validateUpdate?.(podOf(after), podOf(before)) ?? []);

  test("shows what differs, and is told once per toleration that is wrong", () => {
    const [first = ""] = change({ tolerations: [{ key: "a", operator: "Exists" }] }, { tolerations: [] });
    expect(first).toBe("spec.tolerations: Forbidden: existing toleration can not be modified except its tolerationSeconds");
    const [second = ""] = change({}, { hostname: "h" });
    expect(second).toMatch(/^spec: Forbidden: pod updates may not change fields other than /);
    expect(second).toContain('\n- "Hostname": "",\n+ "Hostname": "h",\n');
  });

  test("may be narrowed down while it is gated, and only then", () => {
    const term = (...keys: string[]): object => ({
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [{ matchExpressions: keys.map((key) => ({ key, operator: "Exists" })) }],
          },
        },
      },
    });
    const gated = { schedulingGates: [{ name: "g" }], nodeSelector: { a: "b" } };
    expect(change({ ...gated, ...term("x") }, { ...gated, ...term("x", "y"), nodeSelector: { a: "b", c: "d" } })).toEqual([]);
    expect(change({ ...gated, ...term("x") }, { ...gated, ...term("y"), nodeSelector: { c: "d" } })).toEqual([
      'spec.nodeSelector: Invalid value: {"c":"d"}: only additions to spec.nodeSelector are allowed (no mutations or deletions)',
      'spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0]: Invalid value: {"MatchExpressions":[{"Key":"y","Operator":"Exists","Values":null}],"MatchFields":null}: only additions are allowed (no mutations or deletions)',
    ]);
    expect(change({}, { nodeSelector: { a: "b" } })).toHaveLength(1);
  });
});

test("a spec that was right for one pod is looked at again where its volumes are named by the pod", () => {
  const claim = { spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } } };
  const named = (name: string): readonly FieldError[] => {
    const pod = podOf({ volumes: [{ name: "scratch", ephemeral: { volumeClaimTemplate: claim } }] });
    return PodKind.validate({ ...pod, metadata: { ...pod.metadata, name } }, undefined);
  };
  expect(printed(named("short"))).toEqual([]);
  expect(printed(named("a".repeat(250)))).toEqual([expect.stringContaining("must be no more than 253 characters")]);
});
