import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { until } from "../../cluster/chaos/until.ts";
import { Launch } from "./launch.ts";
import { discard, freshDataDirectory, runTroupe, Troupe } from "./troupe.ts";

const EXAMPLES = join(import.meta.dirname, "../../examples/stages");

let data: string;
beforeEach(() => {
  data = freshDataDirectory();
});
afterEach(() => {
  new Launch(data, ["--help"]).killAll();
  discard(data);
});

const FILE = `
apiVersion: kwok.x-k8s.io/v1alpha1
kind: Stage
metadata: {name: half-ready}
spec:
  resourceRef: {apiGroup: v1, kind: Pod}
  selector:
    matchLabels: {half: "true"}
    matchExpressions:
      - {key: .metadata.deletionTimestamp, operator: DoesNotExist}
      - {key: .status.podIP, operator: DoesNotExist}
  next:
    statusTemplate: |
      phase: Running
      podIP: {{ PodIP | Quote }}
      message: {{ printf "half of %s" .metadata.name | Quote }}
---
apiVersion: kwok.x-k8s.io/v1alpha1
kind: Stage
metadata: {name: config-maps}
spec:
  resourceRef: {apiGroup: v1, kind: ConfigMap}
  selector:
    matchLabels: {staged: "true"}
    matchExpressions: [{key: .data.done, operator: DoesNotExist}]
  steps:
    - patch: {root: data, template: "done: {{ .metadata.name }}"}
`;

test("stages of a file and as objects play on pods, nodes and other kinds; what is wrong with one is said", async () => {
  const file = join(data, "..", "stages.yaml");
  const bad = join(data, "..", "wrong.yaml");
  writeFileSync(file, FILE);
  const troupe = await Troupe.up(data, ["--nodes", "2", "--stages", file]);
  const { kubectl } = troupe;
  const field = async (what: string, path: string): Promise<string> =>
    (await kubectl.run(["get", ...what.split(" "), "-o", `jsonpath={${path}}`])).stdout;

  await kubectl.ok(["run", "web", "--image=nginx"]);
  await kubectl.ok(["run", "half", "--image=nginx", "--labels=half=true"]);
  await kubectl.ok(["create", "configmap", "notes"]);
  await kubectl.ok(["label", "configmap", "notes", "staged=true"]);
  await kubectl.ok(["wait", "--for=condition=Ready", "pod/web", "--timeout=120s"]);
  await until("the stage of the pod", async () => (await field("pod half", ".status.message")) === "half of half");
  await until("the stage of the config map", async () => (await field("configmap notes", ".data.done")) === "notes");

  await kubectl.ok(["apply", "-f", join(EXAMPLES, "crd.yaml")]);
  await kubectl.ok(["wait", "--for=condition=Established", "crd/stages.kwok.x-k8s.io", "--timeout=120s"]);
  await kubectl.ok(["apply", "-f", join(EXAMPLES, "slow-image.yaml")]);
  await kubectl.ok(["run", "slow", "--image=nginx", "--labels=image=slow", "--annotations=example.com/delay=1s"]);
  await until("the stage that was applied", async () => (await field("pod slow", ".status.message")) === "no image nginx");
  expect(await field("pod slow", ".status.phase")).toBe("Failed");

  const wrong = FILE.split("---")[0]?.replace("half-ready", "wrong").replace(".status.podIP", ".status.pod-IP") ?? "";
  writeFileSync(bad, wrong);
  await kubectl.ok(["apply", "-f", bad]);
  await until("the Event about what is wrong", async () =>
    (await kubectl.ok(["get", "events", "-A", "--field-selector=reason=InvalidStage"])).includes(
      "matchExpressions[1].key is not understood",
    ),
  );
  await troupe.stop();

  const refused = await runTroupe(["up", "--data", data, "--stages", bad]);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toMatch(
    /wrong.yaml, document 1 \(wrong\): spec.selector.matchExpressions\[1\].key is not understood: ".status.pod-IP" is not understood from character 12 on/,
  );
}, 120_000);
