import { describe, expect, it } from "vitest";
import type { Namespace, Node, Pod } from "../../../actors/kinds/generated/types.ts";
import type { KubeObject } from "../../../actors/kinds/object.ts";
import { DEFAULT_CONFIGURATION } from "../../../actors/scheduler/configuration/configuration.ts";
import { wakeHelped } from "../../../actors/scheduler/hints.ts";
import { Intake } from "../../../actors/scheduler/intake.ts";
import { ObjectList } from "../../../actors/scheduler/objects.ts";
import type { Candidate, PodRecord } from "../../../actors/scheduler/pod-record.ts";
import { profilesOf } from "../../../actors/scheduler/profile.ts";
import { SchedulingQueue } from "../../../actors/scheduler/queue.ts";
import { ANYWHERE, Draw, IndexCache, Inventory, placeBatch, rejectorsOf } from "../../../scheduler-core/mod.ts";

type Labels = Record<string, string>;

const DAY_MS = 86_400_000;
const WAITING = "waiting";

/** A scheduler's intake, arrays and queue without a shard around them; things happen one at a time. */
class Stage {
  readonly #objects = new ObjectList();
  readonly #inventory = new Inventory(1);
  readonly #queue = new SchedulingQueue<PodRecord>(DEFAULT_CONFIGURATION);
  readonly #intake: Intake;
  #now_ms = 0;

  constructor() {
    const profiles = profilesOf(DEFAULT_CONFIGURATION, this.#inventory);
    this.#intake = new Intake(this.#objects, this.#inventory, this.#queue, { profiles, owns: () => true });
  }

  /** Something is made or changed. */
  put(resource: string, object: object): void {
    const { metadata } = object as KubeObject;
    const key = [resource, metadata.namespace, metadata.name].filter(Boolean).join("/");
    const before = this.#objects.entry(key);
    const now = this.#objects.put(resource, object as KubeObject);
    this.#intake.take({ resource, now, before } as Parameters<Intake["take"]>[0], this.#now_ms);
    this.#intake.rereadVolumes(this.#now_ms);
  }

  gone(key: string): void {
    const before = this.#objects.entry(key);
    this.#intake.take({ resource: key.split("/")[0], now: undefined, before } as Parameters<Intake["take"]>[0], this.#now_ms);
  }

  node(name: string, labels: Labels = {}, { spec = {}, allocatable = {} }: { spec?: object; allocatable?: object } = {}): void {
    const status = { allocatable: { cpu: "4", memory: "8Gi", pods: "10", ...allocatable } };
    this.put("nodes", { metadata: { name, uid: name, labels }, spec, status } as unknown as Node);
  }

  pod(name: string, spec: object = {}, labels: Labels = {}, more: object = {}): void {
    const containers = [{ name: "c", image: "i", resources: { requests: { cpu: "1" } } }];
    const metadata = { namespace: "d", name, uid: name, labels, ...more };
    this.put("pods", { metadata, spec: { schedulerName: "default-scheduler", containers, ...spec }, status: {} } as unknown as Pod);
  }

  /** The pod is tried; answers who rejected it. */
  tried(): ReadonlySet<string> {
    wakeHelped(this.#intake, this.#inventory, this.#queue, this.#now_ms);
    const record = this.#intake.find(`pods/d/${WAITING}`) as PodRecord;
    const { handle, pin, ticket, refusal } = record.candidate as Candidate;
    for (let popped = this.#queue.pop(this.#now_ms, 10); popped.length > 0; popped = this.#queue.pop(this.#now_ms, 10)) {}
    let rejectors: ReadonlySet<string> = new Set();
    if (refusal === undefined) {
      const pods = this.#inventory.ready(handle, record.peer);
      const pins = Int32Array.of(pin === undefined ? ANYWHERE : this.#intake.slotOfPin(pin));
      const batch = { classes: [pods], pods: Int32Array.of(0), pins };
      const { diagnoses } = placeBatch(this.#inventory.cluster, batch, new IndexCache(), new Draw(1));
      if (diagnoses[0] === undefined) throw new Error("a node took the pod");
      rejectors = rejectorsOf(diagnoses[0]);
    }
    this.#queue.reject(ticket, rejectors, this.#now_ms);
    this.#now_ms += DAY_MS / 1_000;
    return rejectors;
  }

  /** Whether what has happened since then has woken it. */
  isWoken(): boolean {
    wakeHelped(this.#intake, this.#inventory, this.#queue, this.#now_ms);
    return this.#intake.find(`pods/d/${WAITING}`)?.candidate?.ticket.place !== "unschedulable";
  }
}

type Happening = (stage: Stage) => void;
type Row = readonly [what: string, isWoken: boolean, happening: Happening];

/** `before`: the world in which nobody takes the pod `waiting`, which is made last. Each row happens by itself. */
function hints(rejectors: string, before: Happening, rows: readonly Row[]): void {
  describe(rejectors, () => {
    it.each(rows)("%s: %s", (_, isWoken, happening) => {
      const stage = new Stage();
      before(stage);
      expect([...stage.tried()]).toEqual(rejectors === "nobody" ? [] : rejectors.split(", "));
      happening(stage);
      expect(stage.isWoken()).toBe(isWoken);
    });
  });
}

const taint = (key: string) => ({ key, effect: "NoSchedule" });
const cpu = (amount: string) => ({ containers: [{ name: "c", image: "i", resources: { requests: { cpu: amount } } }] });
const port = (hostPort: number) => ({
  containers: [{ name: "c", image: "i", ports: [{ containerPort: 80, hostPort }], resources: { requests: { cpu: "1" } } }],
});
const near = (labels: Labels, topologyKey = "zone") => ({
  requiredDuringSchedulingIgnoredDuringExecution: [{ labelSelector: { matchLabels: labels }, topologyKey }],
});
const spread = (more: object = {}) => ({
  topologySpreadConstraints: [
    { maxSkew: 1, topologyKey: "zone", whenUnsatisfiable: "DoNotSchedule", labelSelector: { matchLabels: { app: "a" } }, ...more },
  ],
});
const claimed = (name: string) => ({ volumes: [{ name: "v", persistentVolumeClaim: { claimName: name } }] });
const disk = (pdName: string) => ({ volumes: [{ name: "v", gcePersistentDisk: { pdName } }] });

/** Source of what follows: EventsToRegister and the queueing hints of Kubernetes 1.34's plugins; where these wake pods that cannot be helped, ours do not. */
describe("what happens wakes a pod only where it can help it", () => {
  hints(
    "NodeUnschedulable",
    (stage) => {
      stage.node("n", {}, { spec: { unschedulable: true } });
      stage.pod(WAITING);
    },
    [
      ["the node is uncordoned", true, (stage) => stage.node("n")],
      ["the node gets a label", false, (stage) => stage.node("n", { a: "b" }, { spec: { unschedulable: true } })],
      ["a node comes", true, (stage) => stage.node("other")],
      ["a cordoned node comes", false, (stage) => stage.node("other", {}, { spec: { unschedulable: true } })],
      [
        "the pod tolerates it from now on",
        true,
        (stage) => stage.pod(WAITING, { tolerations: [{ key: "node.kubernetes.io/unschedulable", operator: "Exists" }] }),
      ],
      ["the pod gets another annotation", false, (stage) => stage.pod(WAITING, {}, {}, { annotations: { a: "b" } })],
    ],
  );

  hints(
    "TaintToleration",
    (stage) => {
      stage.node("n", {}, { spec: { taints: [taint("a"), taint("b")] } });
      stage.pod("there", { nodeName: "n" });
      stage.pod(WAITING, { tolerations: [{ key: "b", operator: "Exists" }] });
    },
    [
      ["the taint goes", true, (stage) => stage.node("n", {}, { spec: { taints: [taint("b")] } })],
      ["a tolerated taint goes", false, (stage) => stage.node("n", {}, { spec: { taints: [taint("a")] } })],
      ["a tainted node comes", false, (stage) => stage.node("other", {}, { spec: { taints: [taint("c")] } })],
      ["a node comes whose taint it tolerates", true, (stage) => stage.node("other", {}, { spec: { taints: [taint("b")] } })],
      ["a pod goes", false, (stage) => stage.gone("pods/d/there")],
      ["the pod gets a toleration", true, (stage) => stage.pod(WAITING, { tolerations: [{ key: "a", operator: "Exists" }] })],
      ["the taint goes, and the node is full", true, (stage) => stage.node("n", {}, { allocatable: { cpu: "1" } })],
    ],
  );

  hints(
    "NodeAffinity",
    (stage) => {
      stage.node("n", { disk: "hdd" });
      stage.pod("there", { nodeName: "n" });
      stage.pod(WAITING, { nodeSelector: { disk: "ssd" } });
    },
    [
      ["the node gets the label", true, (stage) => stage.node("n", { disk: "ssd" })],
      ["the node gets another label", false, (stage) => stage.node("n", { disk: "hdd", a: "b" })],
      ["a node with the label comes", true, (stage) => stage.node("other", { disk: "ssd" })],
      ["a node without it comes", false, (stage) => stage.node("other")],
      ["the node has more cpu", false, (stage) => stage.node("n", { disk: "hdd" }, { allocatable: { cpu: "64" } })],
      ["a pod goes", false, (stage) => stage.gone("pods/d/there")],
    ],
  );

  hints(
    "NodePorts",
    (stage) => {
      stage.node("n");
      stage.pod("holder", { nodeName: "n", ...port(80) });
      stage.pod("other", { nodeName: "n", ...port(81) });
      stage.pod("unscheduled", { schedulerName: "other", ...port(80) });
      stage.pod(WAITING, port(80));
    },
    [
      ["the pod with the port goes", true, (stage) => stage.gone("pods/d/holder")],
      ["a pod with another port goes", false, (stage) => stage.gone("pods/d/other")],
      ["a pod with the port and without a node goes", false, (stage) => stage.gone("pods/d/unscheduled")],
      ["a node comes", true, (stage) => stage.node("m")],
    ],
  );

  hints(
    "NodeResourcesFit",
    (stage) => {
      stage.node("n");
      stage.pod("there", { nodeName: "n", ...cpu("3") });
      stage.pod("small", { nodeName: "n", ...cpu("100m") });
      stage.pod("unscheduled", { schedulerName: "other", ...cpu("3") });
      stage.pod(WAITING, cpu("1200m"));
    },
    [
      ["a pod goes", true, (stage) => stage.gone("pods/d/there")],
      ["a pod without a node goes", false, (stage) => stage.gone("pods/d/unscheduled")],
      ["a pod asks for less", true, (stage) => stage.pod("there", { nodeName: "n", ...cpu("1") })],
      ["a pod gets another label", false, (stage) => stage.pod("there", { nodeName: "n", ...cpu("3") }, { a: "b" })],
      ["the node has more cpu", true, (stage) => stage.node("n", {}, { allocatable: { cpu: "5" } })],
      ["the node has more of something else", false, (stage) => stage.node("n", {}, { allocatable: { memory: "64Gi" } })],
      ["the node gets a label", false, (stage) => stage.node("n", { a: "b" })],
      ["a node comes that is large enough", true, (stage) => stage.node("m")],
      ["a node comes that is too small", false, (stage) => stage.node("m", {}, { allocatable: { cpu: "500m" } })],
      ["the pod asks for less", true, (stage) => stage.pod(WAITING, cpu("500m"))],
      ["the pod gets a deadline", false, (stage) => stage.pod(WAITING, { ...cpu("1200m"), activeDeadlineSeconds: 5 })],
      ["a pod goes that is too small", false, (stage) => stage.gone("pods/d/small")],
    ],
  );

  hints(
    "NodeResourcesFit",
    (stage) => {
      stage.node("n");
      stage.put("pods", {
        metadata: { namespace: "d", name: "nominee", uid: "nominee" },
        spec: { schedulerName: "default-scheduler", priority: 10, ...cpu("4") },
        status: { nominatedNodeName: "n" },
      });
      stage.pod(WAITING);
    },
    [["the nominated pod goes", true, (stage) => stage.gone("pods/d/nominee")]],
  );

  hints(
    "VolumeRestrictions",
    (stage) => {
      stage.node("n");
      stage.pod("holder", { nodeName: "n", ...disk("one") });
      stage.pod("other", { nodeName: "n", ...disk("two") });
      stage.pod(WAITING, disk("one"));
    },
    [
      ["the pod with the disk goes", true, (stage) => stage.gone("pods/d/holder")],
      ["a pod with another disk goes", false, (stage) => stage.gone("pods/d/other")],
      ["a node comes", true, (stage) => stage.node("m")],
    ],
  );

  const volume = (name: string, more: object = {}) => ({ metadata: { name }, spec: { capacity: { storage: "1Gi" }, ...more } });
  const claim = (name: string, volumeName: string, more: object = {}) => ({
    metadata: { namespace: "d", name, uid: name, annotations: { "pv.kubernetes.io/bind-completed": "yes" } },
    spec: { volumeName, resources: { requests: { storage: "1Gi" } }, ...more },
    status: { phase: "Bound" },
  });

  hints(
    "VolumeRestrictions",
    (stage) => {
      stage.node("n");
      stage.put("persistentvolumes", volume("v"));
      stage.put("persistentvolumeclaims", claim("c", "v", { accessModes: ["ReadWriteOncePod"] }));
      stage.pod("holder", { nodeName: "n", ...claimed("c") });
      stage.pod("other", { nodeName: "n" });
      stage.pod(WAITING, claimed("c"));
    },
    [
      ["the pod that uses the claim goes", true, (stage) => stage.gone("pods/d/holder")],
      ["another pod goes", false, (stage) => stage.gone("pods/d/other")],
    ],
  );

  const csiNode = (count: number) => ({ metadata: { name: "n" }, spec: { drivers: [{ name: "d", nodeID: "n", allocatable: { count } }] } });
  hints(
    "NodeVolumeLimits",
    (stage) => {
      stage.put("csinodes.storage.k8s.io", csiNode(1));
      stage.node("n");
      for (const name of ["v", "w"]) stage.put("persistentvolumes", volume(name, { csi: { driver: "d", volumeHandle: name } }));
      stage.put("persistentvolumeclaims", claim("c", "v"));
      stage.put("persistentvolumeclaims", claim("e", "w"));
      stage.pod("holder", { nodeName: "n", ...claimed("e") });
      stage.pod("other", { nodeName: "n" });
      stage.pod(WAITING, claimed("c"));
    },
    [
      ["the limit is raised", true, (stage) => stage.put("csinodes.storage.k8s.io", csiNode(2))],
      ["the limit is lowered", false, (stage) => stage.put("csinodes.storage.k8s.io", csiNode(0))],
      ["a pod with a volume goes", true, (stage) => stage.gone("pods/d/holder")],
      ["a pod without one goes", false, (stage) => stage.gone("pods/d/other")],
    ],
  );

  const attachment = { metadata: { name: "a" }, spec: { attacher: "d", nodeName: "n", source: { persistentVolumeName: "w" } } };
  hints(
    "NodeVolumeLimits",
    (stage) => {
      stage.put("csinodes.storage.k8s.io", csiNode(1));
      for (const name of ["v", "w"]) stage.put("persistentvolumes", volume(name, { csi: { driver: "d", volumeHandle: name } }));
      stage.put("volumeattachments.storage.k8s.io", attachment);
      stage.node("n");
      stage.put("persistentvolumeclaims", claim("c", "v"));
      stage.pod(WAITING, claimed("c"));
    },
    [
      ["what is attached without a pod is so no more", true, (stage) => stage.gone("volumeattachments.storage.k8s.io/a")],
      ["it changes", false, (stage) => stage.put("volumeattachments.storage.k8s.io", { ...attachment, status: { attached: true } })],
    ],
  );
  const old = (more: object) => ({
    ...{ metadata: { name: "n", ...more }, spec: { drivers: [{ name: "pxd.portworx.com", nodeID: "n", allocatable: { count: 1 } }] } },
  });
  const announced = { annotations: { "storage.alpha.kubernetes.io/migrated-plugins": "kubernetes.io/portworx-volume" } };
  hints(
    "NodeVolumeLimits",
    (stage) => {
      stage.put("csinodes.storage.k8s.io", old(announced));
      stage.node("n");
      for (const name of ["v", "w"]) stage.put("persistentvolumes", volume(name, { portworxVolume: { volumeID: name } }));
      stage.put("persistentvolumeclaims", claim("c", "v"));
      stage.put("persistentvolumeclaims", claim("e", "w"));
      stage.pod("holder", { nodeName: "n", ...claimed("e") });
      stage.pod(WAITING, claimed("c"));
    },
    [["the plugin counts there no more", true, (stage) => stage.put("csinodes.storage.k8s.io", old({}))]],
  );

  const inZone = (zone: string) => ({
    nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: "zone", operator: "In", values: [zone] }] }] } },
  });
  hints(
    "VolumeBinding",
    (stage) => {
      stage.node("n", { zone: "z1" });
      stage.put("persistentvolumes", volume("v", inZone("z2")));
      stage.put("persistentvolumeclaims", claim("c", "v"));
      stage.pod(WAITING, claimed("c"));
    },
    [
      ["a node that reaches it comes", true, (stage) => stage.node("m", { zone: "z2" })],
      ["another node comes", false, (stage) => stage.node("m", { zone: "z1" })],
      ["the node is moved there", true, (stage) => stage.node("n", { zone: "z2" })],
      ["the volume can be reached from elsewhere", true, (stage) => stage.put("persistentvolumes", volume("v", inZone("z1")))],
      ["another volume changes", false, (stage) => stage.put("persistentvolumes", volume("w", inZone("z1")))],
      ["another claim changes", false, (stage) => stage.put("persistentvolumeclaims", claim("other", "v"))],
    ],
  );

  hints(
    "nobody",
    (stage) => {
      stage.node("n");
      stage.pod(WAITING, claimed("c"));
    },
    [
      [
        "the claim is made and bound",
        true,
        (stage) => {
          stage.put("persistentvolumes", volume("v"));
          stage.put("persistentvolumeclaims", claim("c", "v"));
        },
      ],
      ["another claim is made", false, (stage) => stage.put("persistentvolumeclaims", claim("other", "v"))],
      ["a node comes", false, (stage) => stage.node("m")],
    ],
  );

  const zoned = (zone: string) => ({ metadata: { name: "v", labels: { "topology.kubernetes.io/zone": zone } }, spec: {} });
  hints(
    "VolumeZone",
    (stage) => {
      stage.node("n", { "topology.kubernetes.io/zone": "z1" });
      stage.put("persistentvolumes", zoned("z2"));
      stage.put("persistentvolumeclaims", claim("c", "v"));
      stage.pod(WAITING, claimed("c"));
    },
    [
      ["the volume's zone changes", true, (stage) => stage.put("persistentvolumes", zoned("z1"))],
      ["a node in its zone comes", true, (stage) => stage.node("m", { "topology.kubernetes.io/zone": "z2" })],
      ["a node in another comes", false, (stage) => stage.node("m", { "topology.kubernetes.io/zone": "z3" })],
    ],
  );

  const spreadStage: Happening = (stage) => {
    stage.node("n", { zone: "z1" });
    stage.node("full", { zone: "z2" }, { allocatable: { pods: "0" } });
    stage.pod("peer", { nodeName: "n" }, { app: "a" });
    stage.pod("stranger", { nodeName: "n" }, { app: "b" });
    stage.pod(WAITING, spread(), { app: "a" });
  };
  hints("NodeResourcesFit, PodTopologySpread", spreadStage, [
    ["a node is cordoned", false, (stage) => stage.node("n", { zone: "z1" }, { spec: { unschedulable: true } })],
    ["a pod that counts goes", true, (stage) => stage.gone("pods/d/peer")],
    ["a pod that does not count goes", false, (stage) => stage.gone("pods/d/stranger")],
    ["a pod that counts comes", true, (stage) => stage.pod("new", { nodeName: "full" }, { app: "a" })],
    ["a pod that does not count comes", false, (stage) => stage.pod("new", { nodeName: "full" }, { app: "b" })],
    ["a pod counts no more", true, (stage) => stage.pod("peer", { nodeName: "n" }, { app: "b" })],
    ["a pod that does not count gets another label", false, (stage) => stage.pod("stranger", { nodeName: "n" }, { app: "c" })],
    ["a node comes in a zone", true, (stage) => stage.node("m", { zone: "z3" })],
    ["a node comes without a zone", false, (stage) => stage.node("m", {}, { allocatable: { cpu: "0" } })],
    ["a node goes", true, (stage) => stage.gone("nodes/full")],
    ["a node is moved", true, (stage) => stage.node("full", { zone: "z1" }, { allocatable: { pods: "0" } })],
    ["a node gets another label", false, (stage) => stage.node("full", { zone: "z2", a: "b" }, { allocatable: { pods: "0" } })],
    [
      "a node gets a taint that does not matter",
      false,
      (stage) => stage.node("full", { zone: "z2" }, { spec: { taints: [taint("t")] }, allocatable: { pods: "0" } }),
    ],
    ["the pod counts itself no more", true, (stage) => stage.pod(WAITING, spread(), { app: "b" })],
  ]);
  hints(
    "PodTopologySpread, TaintToleration",
    (stage) => {
      stage.node("n", { zone: "z1" });
      stage.node("tainted", { zone: "z2" }, { spec: { taints: [taint("t")] } });
      stage.pod("peer", { nodeName: "n" }, { app: "a" });
      stage.pod(WAITING, spread({ nodeTaintsPolicy: "Ignore" }), { app: "a" });
    },
    [["the node has its taint no more", true, (stage) => stage.node("tainted", { zone: "z2" })]],
  );

  const affinityStage =
    (affinity: object): Happening =>
    (stage) => {
      stage.put("namespaces", { metadata: { name: "d", labels: {} } } as unknown as Namespace);
      stage.node("n", { zone: "z1" });
      stage.node("m", { zone: "z2" });
      stage.pod("stranger", { nodeName: "n" }, { app: "x" });
      stage.pod(WAITING, { affinity });
    };
  hints("InterPodAffinity", affinityStage({ podAffinity: near({ app: "db" }) }), [
    ["a pod comes that it is to be near", true, (stage) => stage.pod("db", { nodeName: "n" }, { app: "db" })],
    ["another pod comes", false, (stage) => stage.pod("new", { nodeName: "n" }, { app: "y" })],
    ["a pod becomes one that it is to be near", true, (stage) => stage.pod("stranger", { nodeName: "n" }, { app: "db" })],
    ["another pod gets another label", false, (stage) => stage.pod("stranger", { nodeName: "n" }, { app: "y" })],
    ["a pod goes", false, (stage) => stage.gone("pods/d/stranger")],
    ["such a pod comes that has no node", false, (stage) => stage.pod("db", { schedulerName: "other" }, { app: "db" })],
    ["a node comes", false, (stage) => stage.node("k", {})],
    ["a node is moved to another domain", true, (stage) => stage.node("m", { zone: "z3" })],
    ["a node gets another label", false, (stage) => stage.node("m", { zone: "z2", a: "b" })],
    ["a node has more cpu", false, (stage) => stage.node("m", { zone: "z2" }, { allocatable: { cpu: "8" } })],
  ]);
  hints(
    "InterPodAffinity",
    (stage) => {
      affinityStage({ podAntiAffinity: near({ app: "x" }) })(stage);
      stage.pod("second", { nodeName: "m" }, { app: "x" });
      stage.pod("neighbour", { nodeName: "m" }, { app: "y" });
    },
    [
      ["a pod goes that it is to be away from", true, (stage) => stage.gone("pods/d/second")],
      ["another pod goes", false, (stage) => stage.gone("pods/d/neighbour")],
      ["one more comes", false, (stage) => stage.pod("third", { nodeName: "m" }, { app: "x" })],
      ["a pod is one no more", true, (stage) => stage.pod("second", { nodeName: "m" }, { app: "y" })],
      ["a node comes in a domain of its own", true, (stage) => stage.node("k", { zone: "z3" })],
      ["a node comes without one", true, (stage) => stage.node("k", {})],
      ["a node comes in the same domain", false, (stage) => stage.node("k", { zone: "z1" })],
      ["a node has no domain any more", true, (stage) => stage.node("m", {})],
    ],
  );
  hints(
    "InterPodAffinity",
    (stage) => {
      stage.node("n", { zone: "z1" });
      stage.pod("loner", { nodeName: "n", affinity: { podAntiAffinity: near({ app: "w" }) } });
      stage.pod("other", { nodeName: "n" });
      stage.pod(WAITING, {}, { app: "w" });
    },
    [
      ["the pod goes that keeps it away", true, (stage) => stage.gone("pods/d/loner")],
      ["another goes", false, (stage) => stage.gone("pods/d/other")],
    ],
  );
  hints(
    "InterPodAffinity",
    affinityStage({
      podAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: [
          { labelSelector: {}, namespaceSelector: { matchLabels: { team: "blue" } }, topologyKey: "zone" },
        ],
      },
    }),
    [
      ["the namespace gets the label", true, (stage) => stage.put("namespaces", { metadata: { name: "d", labels: { team: "blue" } } })],
      ["another pod comes", false, (stage) => stage.pod("new", { nodeName: "n" })],
    ],
  );

  it("and scheduling gates that have gone let it in", () => {
    const stage = new Stage();
    stage.node("n");
    stage.pod(WAITING, { schedulingGates: [{ name: "a" }, { name: "b" }] });
    expect(stage.isWoken()).toBe(true);
    stage.pod(WAITING, { schedulingGates: [{ name: "b" }] });
    stage.pod(WAITING);
    expect(stage.isWoken()).toBe(true);
  });
});
