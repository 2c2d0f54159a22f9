/** What Endpoints, EndpointSlices and the addresses of a Service may name, in Kubernetes' words. Source: pkg/apis/core and discovery/validation. */
import { expect, test } from "vitest";
import { validateDomainName, validateEndpointAddress } from "../../../actors/kinds/addresses.ts";
import { EndpointsKind } from "../../../actors/kinds/core/endpoints.ts";
import { ServiceKind } from "../../../actors/kinds/core/service.ts";
import { EndpointSliceKind } from "../../../actors/kinds/discovery/endpoint-slice.ts";
import type { Kind } from "../../../actors/kinds/kind.ts";
import type { KubeObject } from "../../../actors/kinds/object.ts";
import type { FieldError } from "../../../actors/kinds/status.ts";

const printed = (errors: readonly FieldError[]): string[] => errors.map(({ field, message }) => `${field}: ${message}`);

function refusals<T extends KubeObject>(kind: Kind<T>, sent: object): string[] {
  const object = structuredClone({ metadata: { name: "m", namespace: "ns", uid: "u" }, ...sent }) as unknown as T;
  kind.applyDefaults?.(object);
  return printed(kind.validate(object));
}

const NO_ADDRESS = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";
const LABEL =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";

test.each([
  ["0.0.0.0", "may not be unspecified (0.0.0.0)"],
  ["::", "may not be unspecified (::)"],
  ["127.0.0.1", "may not be in the loopback range (127.0.0.0/8, ::1/128)"],
  ["127.255.3.4", "may not be in the loopback range (127.0.0.0/8, ::1/128)"],
  ["0:0:0:0:0:0:0:1", "may not be in the loopback range (127.0.0.0/8, ::1/128)"],
  ["::ffff:127.0.0.1", "may not be in the loopback range (127.0.0.0/8, ::1/128)"],
  ["169.254.169.254", "may not be in the link-local range (169.254.0.0/16, fe80::/10)"],
  ["febf::1", "may not be in the link-local range (169.254.0.0/16, fe80::/10)"],
  ["224.0.0.9", "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"],
  ["ff02::1", "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"],
  ["fe80::1%eth0", "must be a valid IP address"],
  ["10.0.0.256", "must be a valid IP address"],
  ["", "must be a valid IP address"],
])("%j is no address of an endpoint", (text, words) => {
  expect(printed(validateEndpointAddress(text, "ip"))).toEqual([`ip: Invalid value: ${JSON.stringify(text)}: ${words}`]);
});

test.each(["10.0.0.1", "010.1.2.3", "2001:db8::1", "fec0::1", "224.0.1.1", "ff05::1", "::ffff:10.0.0.1", "1::"])(
  "%s is the address of an endpoint",
  (text) => {
    expect(validateEndpointAddress(text, "ip")).toEqual([]);
  },
);

test("Endpoints: addresses, names and ports", () => {
  const bad = { ip: "nowhere", hostname: "A", nodeName: "N_1" };
  const subsets = [
    { addresses: [bad, { ip: "10.0.0.1" }], notReadyAddresses: [{ ip: "127.0.0.1" }], ports: [{ port: 1 }, { name: "b", port: 0 }] },
    {},
    { addresses: [{ ip: "::1" }], ports: [{ port: 80, protocol: "ICMP", appProtocol: "a b" }] },
  ];
  expect(refusals(EndpointsKind, { subsets })).toEqual([
    `subsets[0].addresses[0].ip: Invalid value: "nowhere": ${NO_ADDRESS}`,
    `subsets[0].addresses[0].hostname: Invalid value: "A": ${LABEL}`,
    expect.stringMatching(/^subsets\[0\]\.addresses\[0\]\.nodeName: Invalid value: "N_1": a lowercase RFC 1123 subdomain must consist of/),
    'subsets[0].addresses[0].ip: Invalid value: "nowhere": must be a valid IP address',
    'subsets[0].notReadyAddresses[0].ip: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)',
    "subsets[0].ports[0].name: Required value",
    "subsets[0].ports[1].port: Invalid value: 0: must be between 1 and 65535, inclusive",
    "subsets[1]: Required value: must specify `addresses` or `notReadyAddresses`",
    'subsets[2].addresses[0].ip: Invalid value: "::1": may not be in the loopback range (127.0.0.0/8, ::1/128)',
    'subsets[2].ports[0].protocol: Unsupported value: "ICMP": supported values: "SCTP", "TCP", "UDP"',
    expect.stringMatching(/^subsets\[2\]\.ports\[0\]\.appProtocol: Invalid value: "a b": name part must consist of/),
  ]);
  const good = [
    { addresses: [{ ip: "10.0.0.1", hostname: "a", nodeName: "n.x" }], ports: [{ port: 80, appProtocol: "kubernetes.io/h2c" }] },
  ];
  expect(refusals(EndpointsKind, { subsets: good })).toEqual([]);
});

test.each<[slice: object, errors: string[]]>([
  [{ addressType: "IPv4", endpoints: [{ addresses: ["10.0.0.1"] }] }, []],
  [{ addressType: "IPv6", endpoints: [{ addresses: ["2001:db8::1"] }] }, []],
  [{ addressType: "FQDN", endpoints: [{ addresses: ["a.example.com", "example.com."] }] }, []],
  [
    { addressType: "IPv4", endpoints: [{ addresses: ["2001:db8::1", "x", "127.0.0.1"] }] },
    [
      'endpoints[0].addresses: Invalid value: "2001:db8::1": must be an IPv4 address',
      `endpoints[0].addresses[1]: Invalid value: "x": ${NO_ADDRESS}`,
      'endpoints[0].addresses[2]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)',
    ],
  ],
  [
    { addressType: "IPv6", endpoints: [{ addresses: ["10.0.0.1"] }, {}] },
    [
      'endpoints[0].addresses: Invalid value: "10.0.0.1": must be an IPv6 address',
      "endpoints[1].addresses: Required value: must contain at least 1 address",
    ],
  ],
  [
    { addressType: "IPv4", endpoints: [{ addresses: ["10.0.0.1"], hostname: "A" }], ports: [{ name: "a" }, { name: "a" }] },
    ['ports[1].name: Duplicate value: "a"', `endpoints[0].hostname: Invalid value: "A": ${LABEL}`],
  ],
  [
    { addressType: "IPv4", endpoints: [{ addresses: ["10.0.0.1"], hints: { forZones: [{ name: "z" }, { name: "z" }] } }] },
    ['endpoints[0].hints.forZones[1].name: Duplicate value: "z"'],
  ],
  [
    { addressType: "IPv4", endpoints: [{ addresses: Array.from({ length: 101 }, (_, index) => `10.0.0.${index}`) }] },
    ["endpoints[0].addresses: Too many: 101: must have at most 100 items"],
  ],
])("slice %j", (slice, errors) => {
  expect(refusals(EndpointSliceKind, slice)).toEqual(errors);
});

test("a domain name has two labels", () => {
  expect(printed(validateDomainName("host", "f"))).toEqual([
    'f: Invalid value: "host": should be a domain with at least two segments separated by dots',
  ]);
  expect(printed(validateDomainName("", "f"))).toEqual(["f: Required value"]);
  expect(printed(validateDomainName(`${"a".repeat(64)}.com`, "f"))).toEqual([
    `f: Invalid value: ${JSON.stringify("a".repeat(64))}: must be no more than 63 characters`,
  ]);
});

test("a Service's external addresses are those of endpoints", () => {
  const spec = { ports: [{ port: 80 }], externalIPs: ["10.0.0.1", "127.0.0.1", "x"] };
  expect(refusals(ServiceKind, { spec })).toEqual([
    'spec.externalIPs[1]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)',
    `spec.externalIPs[2]: Invalid value: "x": ${NO_ADDRESS}`,
  ]);
});
