import { afterEach, expect, test } from "vitest";
import { NodeKind } from "../../../actors/kinds/core/node.ts";
import { PersistentVolumeClaimKind } from "../../../actors/kinds/core/persistent-volume-claim.ts";
import { PodKind } from "../../../actors/kinds/core/pod.ts";
import type { Node, PersistentVolumeClaim } from "../../../actors/kinds/generated/types.ts";
import { Played } from "../node/hollow/played.ts";
import { named } from "../registry/harness.ts";

let played: Played;
afterEach(() => played.stop());

const stage = (name: string, kind: string, spec: object): object => ({
  apiVersion: "kwok.x-k8s.io/v1alpha1",
  kind: "Stage",
  metadata: { name },
  spec: { resourceRef: { apiGroup: "v1", kind }, ...spec },
});
const expressions = (...all: readonly (readonly [string, string, string?])[]): object => ({
  matchExpressions: all.map(([key, operator, value]) => ({ key, operator, ...(value === undefined ? {} : { values: [value] }) })),
});
const isThere = [".metadata.deletionTimestamp", "DoesNotExist"] as const;

/** As a YAML block has it: without the indentation of its first line. */
function block(text: string): string {
  const indentation = /^\n( *)/.exec(text)?.[1] ?? "";
  return text.replaceAll(`\n${indentation}`, "\n").trim();
}

/** The life of a pod in stages of a second each: created, ready, and complete where a Job owns it. */
const LIFE = [
  stage("create", "Pod", {
    selector: expressions(isThere, [".status.podIP", "DoesNotExist"]),
    delay: { durationMilliseconds: 1_000 },
    next: {
      event: { type: "Normal", reason: "Created", message: "Created container" },
      statusTemplate: block(`
        conditions:
        - {type: Initialized, status: "True", lastTransitionTime: {{ Now | Quote }}}
        containerStatuses:
        {{ range .spec.containers }}
        - image: {{ .image | Quote }}
          name: {{ .name | Quote }}
          ready: false
          restartCount: 0
          state: {waiting: {reason: ContainerCreating}}
        {{ end }}
        hostIP: {{ NodeIPWith .spec.nodeName | Quote }}
        podIP: {{ PodIPWith .spec.nodeName ( or .spec.hostNetwork false ) ( or .metadata.uid "" ) | Quote }}
        phase: Pending
      `),
    },
  }),
  stage("ready", "Pod", {
    selector: expressions(
      isThere,
      [".status.phase", "In", "Pending"],
      ['.status.conditions.[] | select( .type == "Initialized" ) | .status', "In", "True"],
    ),
    delay: { durationMilliseconds: 1_000, durationFrom: { expressionFrom: '.metadata.annotations["example.com/delay"]' } },
    next: {
      statusTemplate: block(`
        {{ $now := Now }}
        {{ $root := . }}
        conditions:
        - {type: Ready, status: "True", lastTransitionTime: {{ $now | Quote }}}
        containerStatuses:
        {{ range $index, $item := .spec.containers }}
        {{ $origin := index $root.status.containerStatuses $index }}
        - image: {{ $item.image | Quote }}
          name: {{ $origin.name | Quote }}
          ready: true
          restartCount: 0
          state: {running: {startedAt: {{ $now | Quote }}}}
        {{ end }}
        phase: Running
      `),
    },
  }),
  stage("complete", "Pod", {
    selector: expressions(isThere, [".status.phase", "In", "Running"], [".metadata.ownerReferences.[].kind", "In", "Job"]),
    delay: { durationMilliseconds: 1_000 },
    next: { statusTemplate: "phase: Succeeded" },
  }),
  stage("delete", "Pod", {
    selector: expressions([".metadata.deletionTimestamp", "Exists"], [".metadata.finalizers", "DoesNotExist"]),
    delay: { durationMilliseconds: 1_000 },
    next: { delete: true },
  }),
];

test("a pod lives through stages: created, ready, deleted, each in its time", async () => {
  played = await Played.begin({ stages: LIFE });
  await played.pod("web", {});
  expect(await played.statesDuring("web", 5_000)).toEqual(["Pending", "Pending ContainerCreating", "Running ready"]);
  expect(played.podOf("web")?.status).toMatchObject({
    podIP: expect.stringMatching(/^10\.128\.0\./),
    hostIP: expect.stringMatching(/^172\.16\./),
  });
  expect(played.events()).toEqual(["Created: Created container"]);
  await played.during(() => played.registry.delete(PodKind, "d", "web"));
  await played.clock.run(500);
  expect(played.podOf("web")).toBeDefined();
  await played.clock.run(1_000);
  expect(played.podOf("web")).toBeUndefined();
});

test("a delay comes from the object, and what a Job owns completes", async () => {
  played = await Played.begin({ stages: LIFE });
  const ownerReferences = [{ apiVersion: "batch/v1", kind: "Job", name: "j", uid: "u" }];
  await played.pod("slow", {}, {}, { annotations: { "example.com/delay": "1m" }, ownerReferences });
  await played.clock.run(30_000);
  expect(played.stateOf("slow")).toBe("Pending ContainerCreating");
  await played.clock.run(31_000);
  expect(played.podOf("slow")?.status?.phase).toBe("Running");
  await played.clock.run(2_000);
  expect(played.podOf("slow")?.status?.phase).toBe("Succeeded");
});

const FAIL = stage("fail", "Pod", {
  selector: { matchLabels: { fails: "true" }, ...expressions([".status.phase", "In", "Running"]) },
  delay: { durationMilliseconds: 5_000 },
  next: { statusTemplate: 'phase: Failed\nreason: Told\nmessage: {{ printf "%s failed" .metadata.name | Quote }}' },
});

test("where no stage matches, pods live as ever; the status that a stage has written is the stages' own, and its end comes all the same", async () => {
  played = await Played.begin({ stages: [FAIL] });
  await played.pod("web", {});
  await played.pod("bad", {}, {}, { labels: { fails: "true" } });
  await played.clock.run(1_000);
  expect([played.stateOf("web"), played.stateOf("bad")]).toEqual(["Running ready", "Running ready"]);
  await played.clock.run(60_000);
  expect(played.stateOf("web")).toBe("Running ready");
  expect(played.podOf("bad")?.status).toMatchObject({ phase: "Failed", reason: "Told", message: "bad failed" });
  await played.during(() => played.registry.delete(PodKind, "d", "bad"));
  await played.clock.run(1_000);
  expect(played.podOf("bad")).toBeUndefined();
});

test("a pod that a stage leaves pending stays pending", async () => {
  const pull = stage("pull", "Pod", {
    selector: { matchLabels: { pull: "fails" }, ...expressions([".status.containerStatuses", "DoesNotExist"]) },
    next: {
      statusTemplate: "containerStatuses:\n- {name: c, image: i, ready: false, restartCount: 0, state: {waiting: {reason: ErrImagePull}}}",
    },
  });
  played = await Played.begin({ stages: [pull] });
  await played.pod("web", {}, {}, { labels: { pull: "fails" } });
  await played.clock.run(600_000);
  expect(played.stateOf("web")).toBe("Pending ErrImagePull");
});

test("a stage that cannot be rendered for an object says so in an Event, once", async () => {
  const broken = stage("broken", "Pod", {
    selector: expressions([".status.phase", "In", "Running"]),
    next: { statusTemplate: "{{ index .spec.containers 5 }}" },
  });
  played = await Played.begin({ stages: [broken] });
  await played.pod("web", {});
  await played.clock.run(10_000);
  expect(played.events().filter((event) => event.startsWith("StageFailed"))).toEqual([
    "StageFailed: stage broken: line 1: index out of range: 5",
  ]);
});

const readyOf = (name: string): string | undefined =>
  played.store.replica.get<Node>(`nodes/${name}`)?.status?.conditions?.find(({ type }) => type === "Ready")?.status;

const NODE_CONDITIONS = `
  conditions:
  {{ range NodeConditions }}
  - type: {{ .type | Quote }}
    status: {{ if eq .type "Ready" }}"False"{{ else }}{{ .status | Quote }}{{ end }}
    reason: Told
    message: {{ .message | Quote }}
    lastHeartbeatTime: {{ Now | Quote }}
  {{ end }}
`;

test("a node says what its stages tell it to, and renews its lease all the while", async () => {
  const notReady = stage("not-ready", "Node", {
    selector: { matchLabels: { "not-ready": "true" }, ...expressions([".status.phase", "In", "Running"]) },
    delay: { durationMilliseconds: 2_000 },
    next: { statusTemplate: NODE_CONDITIONS },
  });
  played = await Played.begin({ nodes: 2, stages: [notReady] });
  await played.during(() =>
    played.registry.patch(NodeKind, undefined, "node-1", { type: "merge", body: { metadata: { labels: { "not-ready": "true" } } } }),
  );
  await played.clock.run(10_000);
  expect([readyOf("node-0"), readyOf("node-1")]).toEqual(["True", "False"]);
  // Longer than a node waits before it reports that it is well.
  await played.clock.run(700_000);
  expect([readyOf("node-0"), readyOf("node-1")]).toEqual(["True", "False"]);
  const lease = played.store.replica.get<{ metadata: never; spec: { renewTime: string } }>(
    "leases.coordination.k8s.io/kube-node-lease/node-1",
  );
  expect(played.clock.now_ms() - Date.parse(lease?.spec.renewTime ?? "")).toBeLessThan(20_000);
});

test("other kinds live through stages too: patches of several roots, and objects applied beside", async () => {
  const provision = stage("provision", "PersistentVolumeClaim", {
    selector: {
      matchExpressions: [
        { cel: { expression: "self.spec.storageClassName == 'staged'" } },
        { cel: { expression: "!has(self.spec.volumeName)" } },
      ],
    },
    steps: [
      {
        apply: {
          template: block(`
            apiVersion: v1
            kind: PersistentVolume
            metadata: {name: "pv-{{ .metadata.uid }}"}
            spec:
              accessModes:
              {{ YAML .spec.accessModes 2 }}
              capacity:
              {{ YAML .spec.resources.requests 2 }}
              storageClassName: {{ .spec.storageClassName | Quote }}
              hostPath: {path: /tmp}
          `),
        },
      },
      { patch: { root: "spec", template: "volumeName: pv-{{ .metadata.uid }}" } },
      { patch: { root: "status", subresource: "status", template: "phase: Bound" } },
    ],
  });
  played = await Played.begin({ stages: [provision] });
  const spec = { accessModes: ["ReadWriteOnce"], storageClassName: "staged", resources: { requests: { storage: "1Gi" } } };
  await played.during(() => played.registry.create(PersistentVolumeClaimKind, named<PersistentVolumeClaim>("data", "d", { spec })));
  await played.clock.run(1_000);
  const claim = played.store.replica.get<PersistentVolumeClaim>("persistentvolumeclaims/d/data");
  expect(played.events()).toEqual([]);
  expect(claim).toMatchObject({ spec: { volumeName: `pv-${claim?.metadata.uid}` }, status: { phase: "Bound" } });
  expect(played.store.replica.get(`persistentvolumes/pv-${claim?.metadata.uid}`)).toMatchObject({ spec: { capacity: { storage: "1Gi" } } });
});
