import { afterAll, expect, test } from "vitest";
import type { KubeObject } from "../../../../actors/kinds/object.ts";
import { MACHINE_LABEL } from "../../../../actors/node/runtime.ts";
import { type AskMachine, UsageReader } from "../../../../actors/node/usage/usage-reader.ts";
import { FollowedObjects } from "../../../../cluster/kubelet/followed-objects.ts";
import { Host, silentLogger, systemClock, systemRandom } from "../../../../runtime/mod.ts";

const USED = { cpu_nanocores: 5, memory_bytes: 7 };
const POD = (key: string) => ({ key, containers: [{ name: "c", ...USED }], at_ms: 1 });

const view = new FollowedObjects(silentLogger);
const meta = (name: string) => ({ name, uid: name, creationTimestamp: "", resourceVersion: "1" });
for (const name of ["one", "away"]) view.put(`nodes/${name}`, { metadata: { ...meta(name), labels: { [MACHINE_LABEL]: "process" } } });
for (const [name, nodeName] of Object.entries({ here: "one", there: "away" }))
  view.put(`pods/default/${name}`, { metadata: { ...meta(name), namespace: "default" }, spec: { nodeName } } as KubeObject);
const host = new Host({ name: "asks", clock: systemClock(), random: systemRandom(), log: silentLogger });
afterAll(() => host.stop());

test("machines that have joined are asked, and heard about their own pods alone", async () => {
  const asked: string[] = [];
  const ask: AskMachine = async (node) => {
    asked.push(node);
    if (node === "away") return undefined;
    return {
      node: { ...USED, at_ms: 1 },
      pods: [POD("pods/default/here"), POD("pods/default/there"), { ...POD("pods/default/none"), containers: [] }],
    };
  };
  const reader = new UsageReader(view, host.messenger, ask);
  expect(await reader.nodes(["one", "away"])).toEqual(new Map([["one", { ...USED, at_ms: 1 }]]));
  expect(await reader.pods(view.list("pods"))).toEqual(new Map([["pods/default/here", POD("pods/default/here")]]));
  expect(asked.sort()).toEqual(["away", "away", "one", "one"]);
});
