/** What is refused of services, in Kubernetes' words and order. Source: validateService of pkg/apis/core/validation of 1.34. */
import { describe, expect, test } from "vitest";
import { ServiceKind } from "../../../../actors/kinds/core/service.ts";
import type { Service } from "../../../../actors/kinds/generated/types.ts";
import { shape } from "../../../../actors/kinds/machinery/shape.ts";
import { errorsInUpdate } from "../../../../actors/kinds/object-rules.ts";
import type { FieldError } from "../../../../actors/kinds/status.ts";

const printed = (errors: readonly FieldError[]): string[] => errors.map(({ field, message }) => `${field}: ${message}`);
const PORTS = { ports: [{ port: 80 }] };

function serviceOf(spec: object, rest: { status?: object; annotations?: object } = {}): Service {
  const { status, annotations } = rest;
  const metadata = { name: "s", namespace: "ns", uid: "u", resourceVersion: "1", ...(annotations === undefined ? {} : { annotations }) };
  const body = structuredClone({ metadata, spec: { ...PORTS, ...spec }, ...(status === undefined ? {} : { status }) });
  const service = shape(ServiceKind.schema, body).object as unknown as Service;
  ServiceKind.applyDefaults?.(service);
  return service;
}

const address = (...clusterIPs: string[]): object => ({ clusterIP: clusterIPs[0], clusterIPs });

describe("a new service", () => {
  test.each<[what: string, spec: object, errors: string[]]>([
    ["nothing wrong", {}, []],
    [
      "addresses",
      { ...address("10.0.0.1", "10.0.0.2", "x"), ipFamilies: ["IPv4", "IPv5"], ipFamilyPolicy: "Any" },
      [
        'spec.ipFamilies[1]: Unsupported value: "IPv5": supported values: "IPv4", "IPv6"',
        'spec.ipFamilyPolicy: Unsupported value: "Any": supported values: "PreferDualStack", "RequireDualStack", "SingleStack"',
        'spec.clusterIPs[2]: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
        'spec.clusterIPs: Invalid value: ["10.0.0.1","10.0.0.2","x"]: may only hold up to 2 values',
      ],
    ],
    [
      "families",
      { ...address("10.0.0.1", "10.0.0.2"), ipFamilies: ["IPv6"] },
      [
        'spec.clusterIPs: Invalid value: ["10.0.0.1","10.0.0.2"]: may specify no more than one IP for each IP family',
        'spec.clusterIPs[0]: Invalid value: "10.0.0.1": expected an IPv6 value as indicated by `ipFamilies[0]`',
      ],
    ],
    [
      "a name elsewhere",
      { type: "ExternalName", ipFamilyPolicy: "SingleStack" },
      ["spec.ipFamilyPolicy: Forbidden: may not be set for ExternalName services", "spec.externalName: Required value"],
    ],
    [
      "ports that come twice",
      {
        type: "NodePort",
        ports: [
          { name: "a", port: 80, nodePort: 30_000 },
          { name: "b", port: 80, nodePort: 30_000 },
        ],
      },
      [
        "spec.ports[1].nodePort: Duplicate value: 30000",
        'spec.ports[1]: Duplicate value: {"Name":"","Protocol":"TCP","AppProtocol":null,"Port":80,"TargetPort":0,"NodePort":0}',
      ],
    ],
    [
      "whom a load balancer lets in",
      { loadBalancerSourceRanges: ["10.0.0.0/8", "x"] },
      [
        "spec.LoadBalancerSourceRanges: Forbidden: may only be used when `type` is 'LoadBalancer'",
        'spec.LoadBalancerSourceRanges[1]: Invalid value: "x": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)',
      ],
    ],
    [
      "headless, for nodes",
      { type: "NodePort", ...address("None") },
      ["spec.clusterIPs[0]: Invalid value: \"None\": may not be set to 'None' for NodePort services"],
    ],
  ])("%s", (_what, spec, errors) => {
    expect(printed(ServiceKind.validate(serviceOf(spec)))).toEqual(errors);
  });
});

test("addresses and families stay, but for the second of two", () => {
  const change = (before: object, after: object): string[] => printed(errorsInUpdate(ServiceKind, serviceOf(after), serviceOf(before)));
  const both = { ...address("10.0.0.1", "fd00::1"), ipFamilies: ["IPv4", "IPv6"], ipFamilyPolicy: "RequireDualStack" };
  expect(change(both, { ...address("10.0.0.1"), ipFamilies: ["IPv4"], ipFamilyPolicy: "SingleStack" })).toEqual([]);
  expect(change(both, { ...address("10.0.0.1"), ipFamilies: ["IPv4"], ipFamilyPolicy: "RequireDualStack" })).toEqual([
    "spec.ipFamilyPolicy: Invalid value: \"RequireDualStack\": must be set to 'SingleStack' when releasing the secondary clusterIP",
    "spec.ipFamilyPolicy: Invalid value: \"RequireDualStack\": must be set to 'SingleStack' when releasing the secondary ipFamily",
  ]);
  expect(change(address("10.0.0.1"), address("10.0.0.2"))).toEqual([
    'spec.clusterIPs[0]: Invalid value: ["10.0.0.2"]: may not change once set',
  ]);
  expect(change(address("None"), address("10.0.0.2"))).toHaveLength(1);
});

test("only load balancers are reached at addresses of their own", () => {
  const status = (ingress: object): object => ({ loadBalancer: { ingress: [ingress] } });
  const change = (type: string, ingress: object): string[] =>
    printed(ServiceKind.validateStatus?.(serviceOf({ type }, { status: status(ingress) }), serviceOf({ type })) ?? []);
  expect(change("ClusterIP", { ip: "1.2.3.4" })).toEqual([
    "status.loadBalancer.ingress: Forbidden: may only be used when `spec.type` is 'LoadBalancer'",
  ]);
  expect(change("LoadBalancer", { ip: "1.2.3.4" })).toEqual([]);
  expect(change("LoadBalancer", { hostname: "1.2.3.4", ipMode: "VIP" })).toEqual([
    "status.loadBalancer.ingress[0].ipMode: Forbidden: may not be specified when `ip` is not set",
    'status.loadBalancer.ingress[0].hostname: Invalid value: "1.2.3.4": must be a DNS name, not an IP address',
  ]);
});
