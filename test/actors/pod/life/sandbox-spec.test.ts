import { expect, test } from "vitest";
import type { Pod, PodSpec } from "../../../../actors/kinds/generated/types.ts";
import type { KubeObject } from "../../../../actors/kinds/object.ts";
import { featuresOf, handlerOf, sandboxSpecOf } from "../../../../actors/pod/life/sandbox-spec.ts";
import type { View } from "../../../../actors/store/view.ts";

const runtimeHandlers = [
  { name: "", features: { userNamespaces: false } },
  { name: "new", features: { userNamespaces: true, recursiveReadOnlyMounts: true } },
];
const OBJECTS: Readonly<Record<string, object>> = {
  "nodes/n": { status: { runtimeHandlers } },
  "runtimeclasses.node.k8s.io/modern": { handler: "new" },
  "runtimeclasses.node.k8s.io/strange": { handler: "old" },
};
const view = { get: (key: string) => OBJECTS[key] as KubeObject | undefined } as unknown as View;
const pod = (spec: Partial<PodSpec>): Pod => ({
  metadata: { name: "p", namespace: "d", uid: "u", creationTimestamp: "" },
  spec: { nodeName: "n", containers: [], ...spec },
});

test.each<[Partial<PodSpec>, string]>([
  [{}, ""],
  [{ hostUsers: true }, ""],
  [{ runtimeClassName: "modern", hostUsers: false }, "new"],
  // What there is of it the runtime knows.
  [{ runtimeClassName: "strange" }, "old"],
])("%j is run by %j", (spec, handler) => {
  expect(handlerOf(view, pod(spec))).toBe(handler);
});

test.each<[Partial<PodSpec>, string]>([
  [{ runtimeClassName: "gone" }, 'runtimeclass.node.k8s.io "gone" not found'],
  [{ hostUsers: false }, "can't set `spec.hostUsers: false`, runtime does not support user namespaces"],
  [
    { hostUsers: false, runtimeClassName: "strange" },
    'can\'t set `spec.hostUsers: false`, RuntimeClass handler "old" does not support user namespaces',
  ],
])("%j is refused", (spec, why) => {
  expect(() => handlerOf(view, pod(spec))).toThrow(why);
});

test("what can be done for a pod is what its node says of the way in which it is run", () => {
  expect(featuresOf(view, pod({ runtimeClassName: "modern" }))).toEqual({ userNamespaces: true, recursiveReadOnlyMounts: true });
  expect(featuresOf(view, pod({ runtimeClassName: "gone" }))).toEqual({});
});

const DNS = { nameservers: [], searches: [], options: [] };

test.each<[what: string, spec: Partial<PodSpec>, hostname: string, names: readonly string[]]>([
  ["by its own name", {}, "p", ["p"]],
  ["as it says", { hostname: "h", subdomain: "s" }, "h", ["h.s.d.svc.c.local", "h"]],
  ["by all of its name", { hostname: "h", subdomain: "s", setHostnameAsFQDN: true }, "h.s.d.svc.c.local", ["h.s.d.svc.c.local", "h"]],
  ["as the machine, where the network is the machine's", { hostname: "h", hostNetwork: true }, "", ["h"]],
])("a pod is called %s", (_what, spec, hostname, names) => {
  const place = { podIP: "10.0.0.1", hostIP: "10.0.0.2" };
  const made = sandboxSpecOf(pod(spec), place, { attempt: 0, dns: DNS, domain: "c.local", handler: "" });
  expect([made.hostname, made.names]).toEqual([hostname, names]);
});
