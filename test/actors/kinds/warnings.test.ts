/** What clients are told of objects that are accepted all the same. Source: pkg/api/pod/warnings.go and the strategies of pkg/registry of 1.34. */
import { describe, expect, test } from "vitest";
import { wrongPair } from "../../../actors/kinds/core/key-pair.ts";
import { finalizerWarnings, formatWarnings } from "../../../actors/kinds/custom/warnings.ts";
import type { CustomResourceDefinition } from "../../../actors/kinds/generated/types.ts";
import type { Kind } from "../../../actors/kinds/kind.ts";
import { BUILT_IN_KINDS } from "../../../actors/kinds/kinds.ts";
import { shape } from "../../../actors/kinds/machinery/shape.ts";
import type { KubeObject } from "../../../actors/kinds/object.ts";

function kindOf(resource: string): Kind {
  const kind = BUILT_IN_KINDS.find((one) => one.plural === resource && one.stored === undefined);
  if (kind === undefined) throw new Error(`no kind of ${resource}`);
  return kind;
}

function object(kind: Kind, sent: object): KubeObject {
  const body = structuredClone({ ...sent, metadata: { name: "m", generation: 1, ...(sent as { metadata?: object }).metadata } });
  const shaped = shape(kind.schema, body).object as unknown as KubeObject;
  kind.applyDefaults?.(shaped);
  return shaped;
}

const C = { name: "c", image: "i" };
const SELECTOR = { matchLabels: { a: "b" } };

describe("when an object is made", () => {
  test.each<[resource: string, sent: object, warnings: unknown[]]>([
    ["pods", { spec: { containers: [C] } }, []],
    [
      "pods",
      { metadata: { name: "a.b" }, spec: { containers: [C] } },
      [
        "metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended: [must not contain dots]",
      ],
    ],
    [
      "pods",
      {
        metadata: { annotations: { "scheduler.alpha.kubernetes.io/critical-pod": "" } },
        spec: {
          nodeSelector: { "beta.kubernetes.io/os": "linux" },
          imagePullSecrets: [{ name: "s" }, { name: "s" }, {}],
          hostAliases: [{ ip: "010.0.0.1" }],
          terminationGracePeriodSeconds: -1,
          containers: [
            {
              ...C,
              env: [
                { name: "X", value: "1" },
                { name: "X", value: "$(X)2" },
                { name: "X", value: "3" },
              ],
              resources: { requests: { memory: "1500m" } },
              ports: [
                { containerPort: 80, name: "p" },
                { containerPort: 80, name: "p", hostPort: 81 },
                { containerPort: 82, hostIP: "10.0.0.1" },
              ],
            },
          ],
          volumes: [
            { name: "g", gitRepo: { repository: "r" } },
            {
              name: "f",
              configMap: {
                name: "m",
                items: [
                  { key: "a", path: "a" },
                  { key: "b", path: "a/b" },
                ],
              },
            },
          ],
        },
      },
      [
        'spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use "kubernetes.io/os" instead',
        'metadata.annotations[scheduler.alpha.kubernetes.io/critical-pod]: non-functional in v1.16+; use the "priorityClassName" field instead',
        "spec.volumes[0].gitRepo: deprecated in v1.11, and disabled by default in v1.33+",
        'volume "f" (ConfigMap "m"): overlapping paths: "a/b" with "a"',
        'spec.imagePullSecrets[1].name: duplicate name "s"',
        'spec.imagePullSecrets[2].name: invalid empty name ""',
        'spec.containers[0].resources.requests[memory]: fractional byte value "1500m" is invalid, must be an integer',
        'spec.containers[0].env[2]: hides previous definition of "X", which may be dropped when using apply',
        "spec.containers[0].ports[1]: overlapping port definition with spec.containers[0].ports[0]",
        "spec.containers[0].ports[2]: hostIP set without hostPort: {Name: HostPort:0 ContainerPort:82 Protocol:TCP HostIP:10.0.0.1}",
        'spec.containers[0].ports[1]: duplicate port name "p" with spec.containers[0].ports[0], services and probes that select ports by name will use spec.containers[0].ports[0]',
        'spec.hostAliases[0].ip: non-standard IP address "010.0.0.1" will be considered invalid in a future Kubernetes release: use "10.0.0.1"',
      ],
    ],
    [
      "deployments",
      {
        metadata: { name: "a.b" },
        spec: {
          selector: SELECTOR,
          template: {
            metadata: { annotations: { "container.apparmor.security.beta.kubernetes.io/c": "unconfined" } },
            spec: {
              containers: [C],
              affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: "z" }] } },
            },
          },
        },
      },
      [
        "metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is recommended: [must not contain dots]",
        'spec.template.metadata.annotations[container.apparmor.security.beta.kubernetes.io/c]: deprecated since v1.30; use the "appArmorProfile" field instead',
        "spec.template.spec.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].labelSelector: a null labelSelector results in matching no pod",
      ],
    ],
    [
      "services",
      { spec: { clusterIP: "None", clusterIPs: ["None"], externalIPs: ["10.0.0.1"], sessionAffinity: "ClientIP", ports: [{ port: 80 }] } },
      ["spec.externalIPs is ignored for headless services", "spec.SessionAffinity is ignored for headless services"],
    ],
    [
      "services",
      { spec: { type: "LoadBalancer", loadBalancerSourceRanges: ["10.0.0.1/8", "FD00::/8"], ports: [{ port: 80 }] } },
      [
        'spec.loadBalancerSourceRanges[0]: CIDR value "10.0.0.1/8" is ambiguous in this context (should be "10.0.0.0/8" or "10.0.0.1/32"?)',
        'spec.loadBalancerSourceRanges[1]: IPv6 CIDR value "FD00::/8" should be in RFC 5952 canonical format ("fd00::/8")',
      ],
    ],
    [
      "ingresses",
      { metadata: { annotations: { "kubernetes.io/ingress.class": "x" } } },
      ["annotation \"kubernetes.io/ingress.class\" is deprecated, please use 'spec.ingressClassName' instead"],
    ],
    ["endpointslices", { addressType: "FQDN" }, ["spec.addressType: FQDN endpoints are deprecated"]],
    [
      "persistentvolumes",
      { spec: { persistentVolumeReclaimPolicy: "Recycle", storageos: {} } },
      [
        "spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.",
        "spec.storageOS: deprecated in v1.22, non-functional in v1.25+",
      ],
    ],
    [
      "persistentvolumeclaims",
      { spec: { resources: { requests: { storage: "0.5" } } } },
      ['spec.resources.requests[storage]: fractional byte value "500m" is invalid, must be an integer'],
    ],
    [
      "serviceaccounts",
      { metadata: { annotations: { "kubernetes.io/enforce-mountable-secrets": "true" } } },
      [
        "metadata.annotations[kubernetes.io/enforce-mountable-secrets]: deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets",
      ],
    ],
    ["nodes", { spec: { externalID: "x" } }, ["spec.externalID: this field is deprecated, and is unused by Kubernetes"]],
    ["secrets", { type: "kubernetes.io/tls", data: {} }, ["tls: failed to find any PEM data in certificate input"]],
  ])("%s of %j", (resource, sent, warnings) => {
    const kind = kindOf(resource);
    expect(kind.warnings?.(object(kind, sent))).toEqual(warnings);
  });
});

test("finalizers of custom resources say whose they are", () => {
  const of = (...finalizers: string[]): KubeObject => ({ metadata: { name: "m", finalizers } }) as unknown as KubeObject;
  const words = (how: string): string =>
    `prefer a domain-qualified finalizer name${how} to avoid accidental conflicts with other finalizer writers`;
  expect(finalizerWarnings(of("x", "a.b", "example.com/x", "orphan"))).toEqual([
    `metadata.finalizers: "a.b": ${words(" including a path (/)")}`,
    `metadata.finalizers: "x": ${words("")}`,
  ]);
  expect(finalizerWarnings(of("x"), of("x"))).toEqual([]);
});

test("formats that nobody knows", () => {
  const of = (...formats: string[]): CustomResourceDefinition => {
    const properties = Object.fromEntries(formats.map((format, index) => [`f${index}`, { type: "string", format }]));
    const versions = [{ name: "v1", served: true, storage: true, schema: { openAPIV3Schema: { type: "object", properties } } }];
    return { metadata: { name: "m" }, spec: { versions } } as unknown as CustomResourceDefinition;
  };
  expect(formatWarnings(of("date-time", "nope", "k8s-short-name"))).toEqual([
    'unrecognized format "nope"',
    'unrecognized format "k8s-short-name"',
  ]);
  expect(formatWarnings(of("nope", "no"), of("nope"))).toEqual(['unrecognized format "no"']);
});

test("a template is looked at again when it has changed", () => {
  const kind = kindOf("deployments");
  const of = (generation: number): KubeObject =>
    object(kind, {
      metadata: { name: "a.b", generation },
      spec: { selector: SELECTOR, template: { spec: { containers: [C], terminationGracePeriodSeconds: -1 } } },
    });
  expect(kind.warnings?.(of(2), of(1))).toEqual([
    "spec.template.spec.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1",
  ]);
  expect(kind.warnings?.(of(1), of(1))).toEqual([]);
});

test("what is no certificate, and what is no key", () => {
  const pem = (type: string): string => Buffer.from(`-----BEGIN ${type}-----\nAAAA\n-----END ${type}-----\n`).toString("base64");
  expect(wrongPair(pem("PRIVATE KEY"), "")).toMatch(/PEM inputs may have been switched$/);
  expect(wrongPair(pem("X"), "")).toBe(
    'tls: failed to find "CERTIFICATE" PEM block in certificate input after skipping PEM blocks of the following types: [X]',
  );
  expect(wrongPair(pem("CERTIFICATE"), "")).toBe("tls: failed to find any PEM data in key input");
  expect(wrongPair(pem("CERTIFICATE"), pem("CERTIFICATE"))).toBe(
    "tls: found a certificate rather than a key in the PEM for the private key",
  );
});

test("of what repeats itself tens of thousands of times so many warnings are made as an answer may have room for", () => {
  const pods = kindOf("pods");
  const many = <T>(one: (i: number) => T): T[] => Array.from({ length: 20_000 }, (_, i) => one(i));
  const ports = object(pods, { spec: { containers: [{ ...C, ports: many(() => ({ containerPort: 80 })) }] } });
  const items = many(() => ({ key: "k", path: "p" }));
  const volume = object(pods, { spec: { containers: [C], volumes: [{ name: "v", configMap: { name: "m", items } }] } });
  const apart = object(pods, { spec: { containers: [{ ...C, ports: many((i) => ({ containerPort: i + 1 })) }] } });
  expect([ports, volume, apart].map((pod) => pods.warnings?.(pod, undefined).length)).toEqual([500, 500, 0]);
});
