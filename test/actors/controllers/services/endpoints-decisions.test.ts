import { describe, expect, test } from "vitest";
import type { Controller, Note } from "../../../../actors/controllers/controller.ts";
import { endpointsController } from "../../../../actors/controllers/services/endpoints.ts";
import { endpointSliceController } from "../../../../actors/controllers/services/endpointslice.ts";
import { paceOfServices_ms } from "../../../../actors/controllers/services/service-pods.ts";
import { EndpointsKind } from "../../../../actors/kinds/core/endpoints.ts";
import { NodeKind } from "../../../../actors/kinds/core/node.ts";
import { PodKind } from "../../../../actors/kinds/core/pod.ts";
import { ServiceKind } from "../../../../actors/kinds/core/service.ts";
import { EndpointSliceKind } from "../../../../actors/kinds/discovery/endpoint-slice.ts";
import type { EndpointSlice, Endpoints } from "../../../../actors/kinds/generated/types.ts";
import type { KubeObject } from "../../../../actors/kinds/object.ts";
import { Transcript } from "../transcript.ts";

const HTTP = { name: "http", port: 80, targetPort: 8080, protocol: "TCP" };

function service(spec: object = {}, metadata: object = {}): object {
  return {
    metadata: { name: "s", ...metadata },
    spec: { selector: { app: "x" }, clusterIP: "10.96.0.9", ipFamilies: ["IPv4"], ports: [HTTP], ...spec },
  };
}

let addresses = 0;

function pod(name: string, status: object = {}, spec: object = {}, metadata: object = {}): object {
  const conditions = [{ type: "Ready", status: "True", lastTransitionTime: "2026-01-01T11:00:00Z" }];
  return {
    metadata: { name, labels: { app: "x" }, ...metadata },
    spec: { nodeName: "n", containers: [{ name: "c", ports: [{ name: "web", containerPort: 9_090 }] }], ...spec },
    status: { phase: "Running", podIP: `10.0.0.${addresses++ % 250}`, conditions, ...status },
  };
}

const UNREADY = { conditions: [{ type: "Ready", status: "False" }] };
const OF_SERVICE = [{ apiVersion: "v1", kind: "Service", name: "s", uid: "uid-s", controller: true, blockOwnerDeletion: true }];
const TRIGGER = "endpoints.kubernetes.io/last-change-trigger-time";
const GOING = { deletionTimestamp: "2026-01-01T12:00:00Z" };

/** What the controller makes of the service: the objects that it creates. */
function created<T extends KubeObject>(transcript: Transcript, object: object, pods: readonly object[]): T[] {
  transcript.put(NodeKind, { metadata: { name: "n", labels: { "topology.kubernetes.io/zone": "z" } }, spec: {}, status: {} });
  for (const one of pods) transcript.put(PodKind, one);
  transcript.put(ServiceKind, object);
  return transcript.actions("services/d/s").flatMap((action) => (action.do === "create" ? [action.object as T] : []));
}

const slices = (object: object, ...pods: readonly object[]): EndpointSlice[] =>
  created<EndpointSlice>(new Transcript(endpointSliceController()), object, pods);
const endpoints = (object: object, ...pods: readonly object[]): Endpoints | undefined =>
  created<Endpoints>(new Transcript(endpointsController()), object, pods)[0];
const podNames = (list: readonly { readonly targetRef?: { readonly name?: string } }[] | null | undefined): string[] =>
  (list ?? []).map(({ targetRef }) => targetRef?.name ?? "").sort();

describe("who is an endpoint", () => {
  test.each([
    ["a pod that is ready", pod("p"), ["p"], [true, true, false]],
    ["a pod that is not ready", pod("p", UNREADY), ["p"], [false, false, false]],
    ["a pod that is going, but serves still", pod("p", {}, {}, GOING), [], [false, true, true]],
    ["a pod that is going, and serves no more", pod("p", UNREADY, {}, GOING), [], [false, false, true]],
  ])("%s", (_what, one, inEndpoints, [ready, serving, terminating]) => {
    const [slice] = slices(service(), one);
    expect(slice?.endpoints?.[0]?.conditions).toEqual({ ready, serving, terminating });
    const subset = endpoints(service(), one)?.subsets?.[0];
    expect(podNames([...(subset?.addresses ?? []), ...(subset?.notReadyAddresses ?? [])])).toEqual(inEndpoints);
    expect((subset?.addresses ?? []).length > 0).toBe(ready);
  });

  test.each([
    ["a pod without an address", pod("p", { podIP: "" })],
    ["a pod that has succeeded", pod("p", { phase: "Succeeded" })],
    ["a pod that has failed", pod("p", { phase: "Failed" })],
    ["a pod with other labels", pod("p", {}, {}, { labels: { app: "y" } })],
    ["a pod of another namespace", pod("p", {}, {}, { namespace: "e" })],
  ])("not %s", (_what, one) => {
    expect(slices(service(), one)[0]?.endpoints).toBeNull();
    expect(endpoints(service(), one)?.subsets).toBeUndefined();
  });

  test("all that are there, where the service publishes them before they are ready", () => {
    const published = service({ publishNotReadyAddresses: true });
    expect(slices(published, pod("p", UNREADY))[0]?.endpoints?.[0]?.conditions).toEqual({
      ready: true,
      serving: false,
      terminating: false,
    });
    expect(podNames(endpoints(published, pod("p", UNREADY))?.subsets?.[0]?.addresses)).toEqual(["p"]);
    expect(podNames(endpoints(published, pod("p", UNREADY, {}, GOING))?.subsets?.[0]?.addresses)).toEqual(["p"]);
  });
});

describe("on which ports", () => {
  const portsOf = (ports: readonly object[], ...pods: readonly object[]) => slices(service({ ports }), ...pods).map((slice) => slice.ports);

  test.each([
    ["a number", [{ port: 80, targetPort: 8_080 }], [{ name: "", port: 8_080, protocol: "TCP" }]],
    ["none: the service's own", [{ port: 80 }], [{ name: "", port: 80, protocol: "TCP" }]],
    ["a name that the pod has", [{ name: "http", port: 80, targetPort: "web" }], [{ name: "http", port: 9_090, protocol: "TCP" }]],
    ["a name that the pod has not", [{ name: "http", port: 80, targetPort: "other" }], null],
    ["a name that the pod has for another protocol", [{ name: "http", port: 80, targetPort: "web", protocol: "UDP" }], null],
    [
      "with what is spoken there",
      [{ port: 80, targetPort: 1, appProtocol: "h2c" }],
      [{ name: "", port: 1, protocol: "TCP", appProtocol: "h2c" }],
    ],
  ])("%s", (_what, ports, expected) => {
    expect(portsOf(ports, pod("p"))).toEqual([expected]);
  });

  test("pods that have a port of a name at different numbers are in slices, and subsets, of their own", () => {
    const other = pod("q", {}, { containers: [{ name: "c", ports: [{ name: "web", containerPort: 7_070 }] }] });
    const named = service({ ports: [{ name: "http", port: 80, targetPort: "web" }] });
    expect(slices(named, pod("p"), other).map(({ ports, endpoints: list }) => [ports?.[0]?.port, podNames(list)])).toEqual([
      [9_090, ["p"]],
      [7_070, ["q"]],
    ]);
    expect(
      endpoints(named, pod("p"), other)
        ?.subsets?.map(({ ports }) => ports?.[0]?.port)
        .sort(),
    ).toEqual([7_070, 9_090]);
  });

  test("in the order in which Kubernetes keeps them, which is not the service's", () => {
    const dns = [
      { name: "dns", port: 53, protocol: "UDP" },
      { name: "dns-tcp", port: 53, protocol: "TCP" },
      { name: "metrics", port: 9_153, protocol: "TCP" },
    ];
    const names = (ports: readonly { readonly name?: string }[] | null | undefined) => ports?.map(({ name }) => name);
    // As any cluster shows it of the service kube-dns.
    expect(names(slices(service({ ports: dns }), pod("p"))[0]?.ports)).toEqual(["metrics", "dns", "dns-tcp"]);
    expect(names(endpoints(service({ ports: dns }), pod("p"))?.subsets?.[0]?.ports)).toEqual(["dns-tcp", "dns", "metrics"]);
  });

  test("a port that all pods have stands for all of them, beside those that only some have", () => {
    const other = pod("q", {}, { containers: [{ name: "c", ports: [{ name: "web", containerPort: 7_070 }] }] });
    const ports = [
      { name: "http", port: 80, targetPort: "web" },
      { name: "metrics", port: 9_000 },
    ];
    const shown = endpoints(service({ ports }), pod("p"), other)?.subsets?.map(({ ports: [port] = [], addresses }) => [
      port?.port,
      podNames(addresses),
    ]);
    expect(shown?.sort()).toEqual([
      [7_070, ["q"]],
      [9_000, ["p", "q"]],
      [9_090, ["p"]],
    ]);
  });

  test("none, where a headless service has none", () => {
    const headless = service({ clusterIP: "None", ports: undefined });
    expect(slices(headless, pod("p"))[0]).toMatchObject({ ports: null, endpoints: [{ targetRef: { name: "p" } }] });
    expect(endpoints(headless, pod("p"))?.subsets).toEqual([{ addresses: [expect.objectContaining({ nodeName: "n" })] }]);
  });

  test("a sidecar's ports have names too", () => {
    const initContainers = [{ name: "i", restartPolicy: "Always", ports: [{ name: "side", containerPort: 5 }] }];
    expect(portsOf([{ name: "http", port: 80, targetPort: "side" }], pod("p", {}, { initContainers }))[0]?.[0]?.port).toBe(5);
  });
});

describe("what is said of them", () => {
  test("the node, its zone, and the name under a headless service", () => {
    const headless = service({ clusterIP: "None" });
    const [slice] = slices(headless, pod("p", {}, { hostname: "first", subdomain: "s" }));
    expect(slice?.endpoints?.[0]).toMatchObject({ nodeName: "n", zone: "z", hostname: "first" });
    expect(slice?.metadata.labels).toMatchObject({ "service.kubernetes.io/headless": "", "kubernetes.io/service-name": "s" });
    expect(endpoints(headless, pod("p", {}, { hostname: "first", subdomain: "s" }))?.subsets?.[0]?.addresses?.[0]?.hostname).toBe("first");
    expect(slices(service(), pod("p", {}, { hostname: "first", subdomain: "t" }))[0]?.endpoints?.[0]?.hostname).toBeUndefined();
  });

  test("the service's labels, but none of its annotations, nor that it is headless when it is not", () => {
    const labels = { team: "blue", "service.kubernetes.io/headless": "" };
    const marked = service({}, { labels, annotations: { note: "1" } });
    for (const object of [slices(marked, pod("p"))[0], endpoints(marked, pod("p"))]) {
      expect(object?.metadata.labels).toMatchObject({ team: "blue" });
      expect(Object.keys(object?.metadata.labels ?? {})).not.toContain("service.kubernetes.io/headless");
      expect(Object.keys(object?.metadata.annotations ?? {})).toEqual(["endpoints.kubernetes.io/last-change-trigger-time"]);
    }
  });

  test("for whom they are, where traffic shall stay close", () => {
    expect(slices(service({ trafficDistribution: "PreferClose" }), pod("p"))[0]?.endpoints?.[0]?.hints).toEqual({
      forZones: [{ name: "z" }],
    });
  });

  test("of more than a thousand addresses only a thousand, those that are ready first", () => {
    const pods = Array.from({ length: 1_001 }, (_, i) => pod(`p${i}`, i === 7 ? UNREADY : {}));
    const made = endpoints(service(), ...pods);
    expect(made?.metadata.annotations).toMatchObject({ "endpoints.kubernetes.io/over-capacity": "truncated" });
    expect(made?.subsets?.[0]?.addresses).toHaveLength(1_000);
    expect(made?.subsets?.[0]?.notReadyAddresses).toBeUndefined();
  });
});

describe("services that nobody keeps endpoints for", () => {
  test.each([
    ["without a selector", { selector: undefined }],
    ["with an empty one", { selector: {} }],
    ["by an external name", { type: "ExternalName", externalName: "example.com" }],
  ])("%s", (_what, spec) => {
    expect([slices(service(spec), pod("p")), endpoints(service(spec), pod("p"))]).toEqual([[], undefined]);
  });
});

describe("slices that are there", () => {
  const mine = { "kubernetes.io/service-name": "s", "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io" };
  const slice = (name: string, pods: readonly string[], labels: object = mine): object => ({
    metadata: { name, labels, annotations: {}, ownerReferences: OF_SERVICE },
    addressType: "IPv4",
    ports: [{ name: "http", port: 8_080, protocol: "TCP" }],
    endpoints: pods.map((pod) => ({
      addresses: ["10.0.0.1"],
      conditions: { ready: true, serving: true, terminating: false },
      nodeName: "n",
      targetRef: { kind: "Pod", namespace: "d", name: pod, uid: `uid-${pod}` },
    })),
  });
  const at = (name: string) => pod(name, { podIP: "10.0.0.1" });
  const started = (...objects: readonly object[]): Transcript => {
    const transcript = new Transcript(endpointSliceController()).put(ServiceKind, service());
    transcript.put(NodeKind, { metadata: { name: "n" }, spec: {}, status: {} });
    for (const one of objects) transcript.put(EndpointSliceKind, one);
    return transcript;
  };

  test("are left when nothing is new", () => {
    expect(
      started(slice("one", ["p"]))
        .put(PodKind, at("p"))
        .decide(),
    ).toEqual([]);
  });

  test("get what is new where there is room", () => {
    const lines = started(slice("one", ["p"]))
      .put(PodKind, at("p"))
      .put(PodKind, at("q"))
      .decide();
    expect(lines).toEqual([expect.stringMatching(/^modify EndpointSlice\/one .*"name":"q"/)]);
  });

  test("that are empty go but for one, and others' are left alone", () => {
    const transcript = started(slice("one", ["p"]), slice("two", ["gone"]), slice("by-hand", ["x"], { "kubernetes.io/service-name": "s" }));
    expect(transcript.put(PodKind, at("p")).decide()).toEqual(["delete EndpointSlice/two"]);
  });

  test("keep one, if an empty one, when the last pod goes", () => {
    const lines = started(slice("one", ["p"])).decide();
    const annotations = { [TRIGGER]: "2026-01-01T12:00:00Z" };
    expect(lines).toEqual([
      `modify EndpointSlice/one ${JSON.stringify({ metadata: { annotations }, ports: null, endpoints: null })}`.replace(
        "2026-01-01T12:00:00Z",
        "<now>",
      ),
    ]);
  });

  test("leave out pods on nodes that are not known, unless all pods are to be found", () => {
    const stray = pod("q", {}, { nodeName: "gone" });
    const transcript = started(slice("one", ["p"]))
      .put(PodKind, at("p"))
      .put(PodKind, stray);
    expect(transcript.decide()).toEqual([
      "event Warning FailedToUpdateEndpointSlices Service/s: Error updating Endpoint Slices for Service d/s: skipping Pod q for Service d/s: Node gone Not Found",
    ]);
    transcript.put(NodeKind, { metadata: { name: "gone" }, spec: {}, status: {} });
    expect(transcript.decide()).toEqual([expect.stringMatching(/^modify EndpointSlice\/one .*"name":"q"/)]);
    const published = slices(service({ publishNotReadyAddresses: true }), stray);
    expect(podNames(published[0]?.endpoints)).toEqual(["q"]);
  });

  test("keep the annotations that others gave them", () => {
    const metadata = { name: "one", labels: mine, annotations: { note: "1" }, ownerReferences: OF_SERVICE };
    const marked = { ...slice("one", ["p"]), metadata };
    expect(started(marked).put(PodKind, at("p")).decide()).toEqual([]);
    const [line = ""] = started(marked).put(PodKind, at("p")).put(PodKind, at("q")).decide();
    expect(line).toContain("endpoints.kubernetes.io/last-change-trigger-time");
    expect(line).not.toContain("note");
  });

  test("of a service of that name that is gone go, and are no use to this one", () => {
    const orphan = { ...slice("one", ["p"]), metadata: { name: "one", labels: mine } };
    expect(started(orphan).put(PodKind, at("p")).decide()).toEqual(["create EndpointSlice/s-*", "delete EndpointSlice/one"]);
  });

  test("become those of other ports, where the service changes them", () => {
    const transcript = started(slice("one", ["p"])).put(PodKind, at("p"));
    expect(transcript.put(ServiceKind, service({ ports: [{ ...HTTP, targetPort: 9_999 }] })).decide()).toEqual([
      expect.stringMatching(/^modify EndpointSlice\/one .*"port":9999/),
    ]);
  });

  test("of a service that is going follow its pods, but it gets no more of them", () => {
    const going = service({}, { ...GOING, finalizers: ["example.com/wait"] });
    const transcript = started(slice("one", ["p"]))
      .put(PodKind, at("p"))
      .put(PodKind, at("q"));
    expect(transcript.put(ServiceKind, going).decide()).toEqual([expect.stringMatching(/^modify EndpointSlice\/one .*"name":"q"/)]);
    expect(transcript.remove(EndpointSliceKind, "one").decide()).toEqual([]);
  });

  test("get what is new where it just fits, and are left where it does not", () => {
    const names = (letter: string, count: number) => Array.from({ length: count }, (_, i) => `${letter}${i}`);
    const transcript = started(slice("low", names("a", 30)), slice("high", names("b", 60)));
    for (const name of [...names("a", 30), ...names("b", 60), ...names("c", 40)]) transcript.put(PodKind, at(name));
    expect(transcript.decide()).toEqual([expect.stringMatching(/^modify EndpointSlice\/high .*"name":"c39"/)]);
    for (const name of names("d", 50)) transcript.put(PodKind, at(name));
    // Nothing of this is written: 90 more fit nowhere.
    expect(transcript.decide()).toEqual(["create EndpointSlice/s-*"]);
  });

  test("Endpoints of a service that is gone go, whoever wrote them, and what others write into them stands until then", () => {
    const byHand = (ip: string) => ({ metadata: { name: "s" }, subsets: [{ addresses: [{ ip }] }] });
    const transcript = new Transcript(endpointsController())
      .put(ServiceKind, service({ selector: undefined }))
      .put(EndpointsKind, byHand("1.2.3.4"));
    expect(transcript.decide()).toEqual([]);
    expect(transcript.put(EndpointsKind, byHand("1.2.3.5")).decide()).toEqual([]);
    expect(transcript.remove(ServiceKind, "s").decide()).toEqual(["delete Endpoints/s"]);
  });
});

describe("a pod that changes", () => {
  const ready = (status: string) => ({ podIP: "10.0.0.1", conditions: [{ type: "Ready", status }] });
  const before = pod("p", ready("False"));

  test.each([
    ["is ready", pod("p", ready("True")), true],
    ["has another address", pod("p", { ...ready("False"), podIP: "10.0.0.2" }), true],
    ["is going", pod("p", ready("False"), {}, GOING), true],
    ["has other labels", pod("p", ready("False"), {}, { labels: { app: "x", more: "1" } }), true],
    ["is as ready as before", pod("p", ready("Unknown")), false],
    ["has failed, and was never ready", pod("p", { ...ready("False"), phase: "Failed" }), false],
  ])("concerns its services when it %s: %s", (_what, after, concerns) => {
    for (const controller of [endpointsController(), endpointSliceController()]) {
      const transcript = new Transcript(controller).put(ServiceKind, service({ publishNotReadyAddresses: true })).put(PodKind, before);
      transcript.decide();
      // Nothing of what it decided was done: it decides the same when it looks again.
      expect(transcript.put(PodKind, after).decide().length > 0).toBe(concerns);
    }
  });
});

describe("since when they are so", () => {
  const times = (transcript: Transcript): readonly (string | undefined)[] =>
    transcript.actions("services/d/s").flatMap((action) => {
      if (action.do === "create") return [action.object.metadata.annotations?.[TRIGGER]];
      return action.do === "modify" ? [action.change(structuredClone(action.of))?.metadata.annotations?.[TRIGGER]] : [];
    });
  const readyAt = (time: string) => ({ conditions: [{ type: "Ready", status: "True", lastTransitionTime: time }] });

  test.each([
    ["Endpoints", endpointsController, EndpointsKind, "s"],
    ["slices", endpointSliceController, EndpointSliceKind, "s-1"],
  ])("%s say the earliest time of what is new, and none when nothing that has a time is new", (_what, controller, kind, name) => {
    const transcript = new Transcript(controller());
    const keep = (): void => {
      const [action] = transcript.actions("services/d/s");
      if (action?.do === "create")
        transcript.put(kind as typeof EndpointsKind, { ...action.object, metadata: { ...action.object.metadata, name } });
    };
    transcript.put(NodeKind, { metadata: { name: "n" }, spec: {}, status: {} });
    transcript.put(ServiceKind, service()).put(PodKind, pod("p", readyAt("2026-01-01T11:00:00Z")));
    // At first the service's own, whatever the pods say.
    expect(times(transcript)).toEqual(["2026-01-01T12:00:00Z"]);
    // What is deleted comes back without one.
    expect(times(transcript)).toEqual([undefined]);
    keep();
    transcript.put(PodKind, pod("q", readyAt("2026-01-01T13:00:00Z"))).put(PodKind, pod("r", readyAt("2026-01-01T12:30:00Z")));
    expect(times(transcript)).toEqual(["2026-01-01T12:30:00Z"]);
    transcript.remove(PodKind, "p");
    expect(times(transcript)).toEqual([undefined]);
    // The service is gone, and another one comes of the name.
    transcript.remove(ServiceKind, "s").decide();
    transcript.put(ServiceKind, service({}, { creationTimestamp: "2026-01-01T14:00:00Z" }));
    expect(times(transcript)[0]).toBe("2026-01-01T14:00:00Z");
  });
});

describe("of two families", () => {
  const both = (name: string) => pod(name, { podIP: "fd00::1", podIPs: [{ ip: "fd00::1" }, { ip: "10.0.0.1" }] });

  test("slices are apart, and Endpoints have the first one", () => {
    const dual = service({ ipFamilies: ["IPv4", "IPv6"] });
    expect(slices(dual, both("p")).map(({ addressType, endpoints: all }) => [addressType, all?.[0]?.addresses])).toEqual([
      ["IPv4", ["10.0.0.1"]],
      ["IPv6", ["fd00::1"]],
    ]);
    expect(endpoints(dual, both("p"))?.subsets?.[0]?.addresses?.[0]?.ip).toBe("10.0.0.1");
  });

  test("a pod without an address of the service's is left out", () => {
    const only = pod("p", { podIP: "fd00::1" });
    expect(slices(service(), only).map((slice) => slice.endpoints)).toEqual([null]);
    expect(endpoints(service(), only)?.subsets).toBeUndefined();
  });
});

test("who may not write them tells it: of a new slice its service, of new Endpoints nobody in the namespace", () => {
  const refused = (controller: Controller): Note | undefined => {
    const [action] = new Transcript(controller).put(ServiceKind, service()).actions("services/d/s");
    return action?.do === "create" ? action.notes?.refused : undefined;
  };
  expect(refused(endpointSliceController())).toMatchObject({
    about: { kind: "Service", metadata: { namespace: "d" } },
    reason: "FailedToUpdateEndpointSlices",
    message: "Error updating Endpoint Slices for Service d/s: failed to create EndpointSlice for Service d/s: {error}",
  });
  const note = refused(endpointsController());
  expect([note?.reason, note?.about.metadata]).toEqual(["FailedToCreateEndpoint", { name: "s" }]);
});

test.each([
  [30, 0],
  [1_000, 10],
  [40_000, 50],
])("with %i pods a service is looked at every %i ms at most", (pods, pace_ms) => {
  expect(paceOfServices_ms({ count: () => pods })).toBe(pace_ms);
});
