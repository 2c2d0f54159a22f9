import { expect, test } from "vitest";
import { serviceCidrController } from "../../../../actors/controllers/services/service-cidr.ts";
import { IPAddressKind } from "../../../../actors/kinds/networking/ip-address.ts";
import { ServiceCIDRKind } from "../../../../actors/kinds/networking/service-cidr.ts";
import { START_MS, Transcript } from "../transcript.ts";

const FINALIZER = "networking.k8s.io/service-cidr-finalizer";
const FINALIZERS = `{"metadata":{"finalizers":["${FINALIZER}"]}}`;
const going = { deletionTimestamp: new Date(START_MS).toISOString() };
const ready = { type: "Ready", status: "True", reason: "", message: "Kubernetes Service CIDR is ready", lastTransitionTime: "t" };

const started = (): Transcript => new Transcript(serviceCidrController);
const range = (name: string, cidrs: readonly string[], more: object = {}): object => ({
  metadata: { name, finalizers: [FINALIZER], ...more },
  spec: { cidrs },
  status: { conditions: [ready] },
});
const address = (ip: string): object => ({
  metadata: { name: ip, labels: { "ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io" } },
});
const blocked = (name: string): string =>
  `status ServiceCIDR/${name} {"conditions":[{"type":"Ready","status":"False","reason":"Terminating","message":"There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR","lastTransitionTime":"<now>"}]}`;

test("a new range is held and said to be ready, once", () => {
  const transcript = started().put(ServiceCIDRKind, { metadata: { name: "more" }, spec: { cidrs: ["10.97.0.0/24"] } });
  expect(transcript.decide()).toEqual([
    `modify ServiceCIDR/more ${FINALIZERS}`,
    'status ServiceCIDR/more {"conditions":[{"type":"Ready","status":"True","reason":"","message":"Kubernetes Service CIDR is ready","lastTransitionTime":"<now>"}]}',
  ]);
  expect(transcript.put(ServiceCIDRKind, range("more", ["10.97.0.0/24"])).decide()).toEqual([]);
});

test.each([
  ["nobody has an address of it", [], [], []],
  ["an address that only it has", ["10.97.0.7"], [], [blocked("more")]],
  ["an address of IPv6 that only it has", ["fd00::7"], [], [blocked("more")]],
  ["an address that another range has, too", ["10.97.0.7"], ["10.97.0.0/28"], []],
  ["an address that another range nearly has", ["10.97.0.77"], ["10.97.0.0/28"], [blocked("more")]],
  ["a larger range has it all", ["10.97.0.7", "fd00::7"], ["10.0.0.0/8", "fd00::/64"], []],
  ["the same range under another name", ["10.97.0.7"], ["10.97.0.0/24", "fd00::/112"], []],
  ["addresses elsewhere", ["10.98.0.7"], [], []],
] as const)("a range that is to go: %s", (_what, addresses, others, refused) => {
  const transcript = started();
  for (const ip of addresses) transcript.put(IPAddressKind, address(ip));
  for (const [i, cidr] of others.entries()) transcript.put(ServiceCIDRKind, range(`other-${i}`, [cidr]));
  transcript.put(ServiceCIDRKind, range("more", ["10.97.0.0/24", "fd00::/112"], going));
  expect(transcript.decide()).toEqual(refused.length > 0 ? refused : ["requeue 10000"]);
  expect(transcript.after(10_000).look("servicecidrs.networking.k8s.io/more")).toEqual(
    refused.length > 0 ? refused.map((line) => line) : ['modify ServiceCIDR/more {"metadata":{"finalizers":[]}}'],
  );
});

test("it goes when the last address has gone; addresses that others have made hold nothing", () => {
  const transcript = started()
    .put(IPAddressKind, address("10.97.0.7"))
    .put(IPAddressKind, { metadata: { name: "10.97.0.8" } })
    .put(ServiceCIDRKind, range("more", ["10.97.0.0/24"], going));
  expect(transcript.decide()).toEqual([blocked("more")]);
  expect(transcript.remove(IPAddressKind, "10.97.0.7").decide()).toEqual(["requeue 10000"]);
});
