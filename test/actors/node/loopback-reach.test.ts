import { expect, test } from "vitest";
import type { Node } from "../../../actors/kinds/generated/types.ts";
import { isReached } from "../../../actors/node/loopback-reach.ts";
import { MACHINE_LABEL, RUNTIME_LABEL } from "../../../actors/node/runtime.ts";
import { FollowedObjects } from "../../../cluster/kubelet/followed-objects.ts";
import { silentLogger } from "../../../runtime/mod.ts";

function viewOf(...nodes: readonly (readonly [name: string, label: string, address: string])[]): FollowedObjects {
  const view = new FollowedObjects(silentLogger);
  for (const [index, [name, label, address]] of nodes.entries()) {
    const metadata = { name, uid: name, creationTimestamp: "", resourceVersion: String(index + 1), labels: { [label]: "process" } };
    view.put(`nodes/${name}`, { metadata, spec: {}, status: { addresses: [{ type: "InternalIP", address }] } } as Node);
  }
  return view;
}

const HERE = "192.0.2.1";
const cluster = viewOf(
  ["node-0", RUNTIME_LABEL, HERE],
  ["node-1", RUNTIME_LABEL, "172.16.1.1"],
  ["far", MACHINE_LABEL, "192.0.2.2"],
  ["twin", MACHINE_LABEL, "127.0.0.1"],
);
const far = viewOf(["far", MACHINE_LABEL, HERE]);
const twin = viewOf(["twin", MACHINE_LABEL, "127.0.0.1"]);

test.each<[string, FollowedObjects, string, string, string | undefined, boolean]>([
  ["a pod with a network, wherever it is", cluster, RUNTIME_LABEL, "10.244.128.2", "far", true],
  ["a process of the cluster's own", cluster, RUNTIME_LABEL, "127.64.0.2", "node-0", true],
  ["what somebody wrote by hand", cluster, RUNTIME_LABEL, "127.0.0.1", "node-1", true],
  ["what is on no node", cluster, RUNTIME_LABEL, "127.0.0.1", undefined, true],
  ["a process of another machine", cluster, RUNTIME_LABEL, "127.64.0.2", "far", false],
  ["a process of one that joined on this machine", cluster, RUNTIME_LABEL, "127.64.0.2", "twin", true],
  ["of a machine: its own process", far, MACHINE_LABEL, "127.64.0.2", "far", true],
  ["of a machine: another's process", far, MACHINE_LABEL, "127.64.0.2", "node-0", false],
  ["of a machine: another's pod with a network", far, MACHINE_LABEL, "10.244.0.2", "node-0", true],
  ["of one that joined by loopback: everything", twin, MACHINE_LABEL, "127.64.0.2", "node-0", true],
])("%s", (_what, view, label, address, nodeName, reached) => {
  const isOwn = (one: string): boolean => one === HERE || one.startsWith("127.");
  expect(isReached({ view, nodes: { label }, isOwn }, { addresses: [address], ...(nodeName === undefined ? {} : { nodeName }) })).toBe(
    reached,
  );
});
