import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ServiceKind } from "../../../actors/kinds/core/service.ts";
import type { Service, ServiceCIDR } from "../../../actors/kinds/generated/types.ts";
import type { Kind } from "../../../actors/kinds/kind.ts";
import { KindTable } from "../../../actors/kinds/kinds.ts";
import { ServiceCIDRKind } from "../../../actors/kinds/networking/service-cidr.ts";
import { createRegistry } from "../../../actors/registry/create-registry.ts";
import type { Registry } from "../../../actors/registry/registry.ts";
import { systemClock, systemRandom } from "../../../runtime/mod.ts";
import type { TestRegistry } from "./harness.ts";
import { named, objectOf, refusalOf, startRegistry } from "./harness.ts";

let t: TestRegistry;
beforeEach(async () => {
  t = await startRegistry();
});
afterEach(() => t.stop());

const service = (name: string, spec: object, metadata: object = {}): Service =>
  named<Service>(name, "d", { metadata, spec: { ports: [{ port: 80 }], selector: { app: "x" }, ...spec } });
const create = async (name: string, spec: object = {}): Promise<Service> =>
  objectOf<Service>(await t.registry.create(ServiceKind, service(name, spec)));
const update = async (object: Service): Promise<Service> => objectOf<Service>(await t.registry.update(ServiceKind, object));
const remove = (name: string): Promise<unknown> => t.registry.delete(ServiceKind as unknown as Kind, "d", name);

/** The markers that are there. */
const addresses = (): string[] => t.store.replica.list("ipaddresses.networking.k8s.io").map(({ key }) => key.slice(key.indexOf("/") + 1));
const nodePorts = (): number[] => t.store.replica.list("nodeports.troupe").map(({ key }) => Number(key.slice(key.indexOf("/") + 1)));
const SPARE_IP = "10.96.0.77";

describe("a service", () => {
  test("becomes what it becomes on Kubernetes, and holds its address by an IPAddress", async () => {
    const { metadata, ...rest } = await create("m");
    const ip = rest.spec.clusterIP ?? "";
    expect(rest).toEqual({
      spec: {
        clusterIP: ip,
        clusterIPs: [ip],
        internalTrafficPolicy: "Cluster",
        ipFamilies: ["IPv4"],
        ipFamilyPolicy: "SingleStack",
        ports: [{ port: 80, protocol: "TCP", targetPort: 80 }],
        selector: { app: "x" },
        sessionAffinity: "None",
        type: "ClusterIP",
      },
      status: { loadBalancer: {} },
    });
    expect(metadata.generation).toBeUndefined();
    expect(ip).toMatch(/^10\.96\.\d+\.\d+$/);
    expect(addresses()).toEqual([ip]);
    expect(t.store.replica.get(`ipaddresses.networking.k8s.io/${ip}`)).toMatchObject({
      metadata: {
        name: ip,
        labels: { "ipaddress.kubernetes.io/ip-family": "IPv4", "ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io" },
      },
      spec: { parentRef: { group: "", resource: "services", namespace: "d", name: "m" } },
    });
    await remove("m");
    expect(addresses()).toEqual([]);
  });

  test.each<[string, object, object, number]>([
    [
      "headless",
      { clusterIP: "None" },
      { clusterIP: "None", clusterIPs: ["None"], ipFamilies: ["IPv4"], ipFamilyPolicy: "SingleStack" },
      0,
    ],
    [
      "headless without selector",
      { clusterIP: "None", selector: {} },
      { ipFamilies: ["IPv4", "IPv6"], ipFamilyPolicy: "RequireDualStack" },
      0,
    ],
    ["of its own choice", { clusterIP: SPARE_IP }, { clusterIP: SPARE_IP, clusterIPs: [SPARE_IP] }, 1],
  ])("%s", async (_what, spec, expected, held) => {
    const created = await create("m", spec);
    expect(created.spec).toMatchObject(expected);
    expect(addresses().length).toBe(held);
  });

  test("by an external name has no address", async () => {
    const created = await create("m", { type: "ExternalName", externalName: "a.b", ports: undefined, selector: undefined });
    expect(created.spec).toEqual({ externalName: "a.b", sessionAffinity: "None", type: "ExternalName" });
    expect(addresses()).toEqual([]);
  });

  test.each<[string, object, string]>([
    [
      "an address that is taken",
      { clusterIP: SPARE_IP },
      `spec.clusterIPs: Invalid value: ["${SPARE_IP}"]: failed to allocate IP ${SPARE_IP}: provided IP is already allocated`,
    ],
    [
      "an address outside the range",
      { clusterIP: "10.1.2.3" },
      'spec.clusterIPs: Invalid value: ["10.1.2.3"]: failed to allocate IP 10.1.2.3: the provided network does not match the current range',
    ],
    [
      "a port that is taken",
      { type: "NodePort", ports: [{ port: 80, nodePort: 30080 }] },
      "spec.ports[0].nodePort: Invalid value: 30080: provided port is already allocated",
    ],
    [
      "a port outside the range",
      { type: "NodePort", ports: [{ port: 80, nodePort: 80 }] },
      "spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. The range of valid ports is 30000-32767",
    ],
  ])("is refused %s, and holds nothing then", async (_what, spec, message) => {
    await create("first", { type: "NodePort", clusterIP: SPARE_IP, ports: [{ port: 80, nodePort: 30080 }] });
    expect(await refusalOf(create("m", spec))).toMatchObject({ code: 422, message: `Service "m" is invalid: ${message}` });
    expect([addresses(), nodePorts()]).toEqual([[SPARE_IP], [30080]]);
  });

  test("many at once all have addresses of their own", async () => {
    const doors = Array.from({ length: 4 }, () => t.another());
    const created = await Promise.all(
      Array.from({ length: 60 }, async (_, i) =>
        objectOf<Service>(await (doors[i % 4] ?? t.registry).create(ServiceKind, service(`s${i}`, { type: "NodePort" }))),
      ),
    );
    expect(new Set(created.map(({ spec }) => spec.clusterIP)).size).toBe(60);
    expect(new Set(created.map(({ spec }) => spec.ports?.[0]?.nodePort)).size).toBe(60);
    expect([addresses().length, nodePorts().length]).toEqual([60, 60]);
  });

  test("dry holds nothing", async () => {
    await t.registry.create(ServiceKind, service("m", { type: "NodePort" }), { dryRun: true });
    expect([addresses(), nodePorts()]).toEqual([[], []]);
  });
});

describe("ranges that are added", () => {
  /** A cluster whose own range has two addresses. */
  const small = (): Registry =>
    createRegistry({
      ...{ view: t.store.replica, store: t.store.client, clock: systemClock(), random: systemRandom(), kinds: new KindTable() },
      serviceCidr: "10.200.0.0/30",
    });
  const made = async (name: string, spec: object = {}): Promise<string | undefined> =>
    objectOf<Service>(await small().create(ServiceKind, service(name, spec))).spec.clusterIP;
  const ready = (current: ServiceCIDR): ServiceCIDR => ({
    ...current,
    status: { conditions: [{ type: "Ready", status: "True", reason: "", message: "", lastTransitionTime: "2026-01-01T00:00:00Z" }] },
  });

  test("give addresses when the others have none left, once they are ready and until they are to go", async () => {
    expect([await made("a"), await made("b")].sort()).toEqual(["10.200.0.1", "10.200.0.2"]);
    const more = named<ServiceCIDR>("more", undefined, {
      metadata: { finalizers: ["troupe.dev/kept"] },
      spec: { cidrs: ["10.201.0.0/29"] },
    });
    await t.registry.create(ServiceCIDRKind, more);
    expect((await refusalOf(made("c"))).message).toBe("Internal error occurred: failed to allocate a serviceIP: range is full");
    expect((await refusalOf(made("c", { clusterIP: "10.201.0.3" }))).message).toContain("does not match the current range");
    await t.registry.modify(ServiceCIDRKind, undefined, "more", ready, { subresource: "status" });
    expect(await made("c", { clusterIP: "10.201.0.3" })).toBe("10.201.0.3");
    expect(await made("d")).toMatch(/^10\.201\.0\.[1-6]$/);
    await t.registry.delete(ServiceCIDRKind as unknown as Kind, undefined, "more");
    expect((await refusalOf(made("e"))).message).toContain("range is full");
    expect((await refusalOf(made("e", { clusterIP: "10.201.0.5" }))).message).toContain("does not match the current range");
  });
});

describe("an update of a service", () => {
  test("keeps what was allocated when it says nothing", async () => {
    const created = await create("m", {
      type: "NodePort",
      ports: [
        { name: "a", port: 80 },
        { name: "b", port: 81 },
      ],
    });
    const silent = service("m", {
      type: "NodePort",
      ports: [
        { name: "b", port: 82 },
        { name: "a", port: 80 },
      ],
    });
    const updated = await update(silent);
    const port = (object: Service, name: string): number | undefined => object.spec.ports?.find((one) => one.name === name)?.nodePort;
    expect(updated.spec.clusterIP).toBe(created.spec.clusterIP);
    expect([port(updated, "a"), port(updated, "b")]).toEqual([port(created, "a"), port(created, "b")]);
  });

  test("may not change the address", async () => {
    const created = await create("m");
    expect(await refusalOf(update({ ...created, spec: { ...created.spec, clusterIP: SPARE_IP } }))).toMatchObject({
      code: 422,
      message: `Service "m" is invalid: spec.clusterIPs[0]: Invalid value: ["${SPARE_IP}"]: may not change once set`,
    });
  });

  test("of the type takes and gives back", async () => {
    const created = await create("m");
    const opened = await update({ ...created, spec: { ...created.spec, type: "NodePort" } });
    expect(nodePorts()).toEqual([opened.spec.ports?.[0]?.nodePort]);
    const closed = await update({ ...opened, spec: { ...opened.spec, type: "ClusterIP" } });
    expect(closed.spec).toEqual(created.spec);
    expect([addresses(), nodePorts()]).toEqual([[created.spec.clusterIP], []]);
    const external = await update({ ...closed, spec: { ...closed.spec, type: "ExternalName", externalName: "a.b" } });
    expect(external.spec.clusterIP).toBeUndefined();
    expect(addresses()).toEqual([]);
    const back = await update(service("m", { type: "ClusterIP" }));
    expect(addresses()).toEqual([back.spec.clusterIP]);
    // Who leaves out the address leaves out its family with it.
    const { clusterIP: _one, clusterIPs: _all, ...rest } = back.spec;
    const silent = await update({ ...back, spec: { ...rest, type: "ExternalName", externalName: "a.b" } });
    expect([silent.spec.ipFamilies, silent.spec.ipFamilyPolicy, addresses()]).toEqual([undefined, undefined, []]);
  });

  test("that takes off the last finalizer gives everything back", async () => {
    const created = objectOf<Service>(await t.registry.create(ServiceKind, service("m", { type: "NodePort" }, { finalizers: ["x.y/z"] })));
    await remove("m");
    expect([addresses(), nodePorts()]).toEqual([[created.spec.clusterIP], [created.spec.ports?.[0]?.nodePort]]);
    await update(service("m", { type: "NodePort" }));
    expect([addresses(), nodePorts(), t.store.replica.count("services")]).toEqual([[], [], 0]);
  });
});
