import { describe, expect, test } from "vitest";
import { attachDetachController } from "../../../../actors/controllers/volumes/attach-detach.ts";
import { attachmentName } from "../../../../actors/controllers/volumes/attachments.ts";
import { NodeKind } from "../../../../actors/kinds/core/node.ts";
import { PersistentVolumeKind } from "../../../../actors/kinds/core/persistent-volume.ts";
import { PersistentVolumeClaimKind } from "../../../../actors/kinds/core/persistent-volume-claim.ts";
import { PodKind } from "../../../../actors/kinds/core/pod.ts";
import { CSIDriverKind } from "../../../../actors/kinds/storage/csi-driver.ts";
import { VolumeAttachmentKind } from "../../../../actors/kinds/storage/volume-attachment.ts";
import { Transcript } from "../transcript.ts";

const SOURCE = { driver: "csi.example.com", volumeHandle: "handle" };
const UNIQUE = "kubernetes.io/csi/csi.example.com^handle";
const MANAGED = { "volumes.kubernetes.io/controller-managed-attach-detach": "true" };
const on = (node: string): string => attachmentName(SOURCE, node);

function node(name: string, status: object = {}, spec: object = {}, annotations: object = MANAGED): object {
  return { metadata: { name, annotations }, spec, status: { conditions: [{ type: "Ready", status: "True" }], ...status } };
}

const GOING = { deletionTimestamp: "2026-01-01T12:00:00Z" };

function pod(name: string, nodeName: string | undefined, phase = "Running", metadata: object = {}): object {
  const volumes = [{ name: "v", persistentVolumeClaim: { claimName: "claim" } }];
  return {
    metadata: { name, ...metadata },
    spec: { containers: [], volumes, ...(nodeName === undefined ? {} : { nodeName }) },
    status: { phase },
  };
}

function attachment(node: string, status: object, metadata: object = {}): object {
  const spec = { attacher: SOURCE.driver, nodeName: node, source: { persistentVolumeName: "pv" } };
  return { metadata: { name: on(node), ...metadata }, spec, status };
}

/** Two nodes, and a volume that is bound to a claim. */
function volume(accessModes: readonly string[] = ["ReadWriteOnce"], source: object = { csi: SOURCE }): Transcript {
  const claimRef = { namespace: "d", name: "claim", uid: "uid-claim" };
  const transcript = new Transcript(attachDetachController())
    .put(NodeKind, node("a"))
    .put(NodeKind, node("b"))
    .put(PersistentVolumeKind, { metadata: { name: "pv" }, spec: { accessModes, claimRef, ...source } })
    .put(PersistentVolumeClaimKind, { metadata: { name: "claim" }, spec: { volumeName: "pv" } });
  expect(transcript.decide()).toEqual([]);
  return transcript;
}

const attached = (list: readonly object[] | null): string => JSON.stringify({ status: { volumesAttached: list } });
const has = { volumesAttached: [{ name: UNIQUE, devicePath: "" }] };

test("the name of an attachment is the same as Kubernetes', so that drivers' tools find it", () => {
  expect(attachmentName({ driver: "d", volumeHandle: "h" }, "n")).toBe(
    // sha256 of `hdn`
    "csi-9072ed11cc1acb5fa433a877ff339b6311d013f33bddd1d0092711a8ace5b16d",
  );
});

describe("attaching", () => {
  test.each([
    ["a pod that runs on a node", pod("p", "a"), [`create VolumeAttachment/${on("a")}`]],
    ["a pod that is not bound", pod("p", undefined), []],
    ["a pod that has ended", pod("p", "a", "Succeeded"), []],
    ["a pod that is going and whose containers have ended", pod("p", "a", "Running", GOING), []],
  ])("%s", (_what, object, expected) => {
    expect(volume().put(PodKind, object).decide()).toEqual(expected);
  });

  test.each([
    ["a volume that is none of a driver's", { hostPath: { path: "/x" } }],
    ["a volume whose driver attaches nothing", { csi: { ...SOURCE, driver: "no-attach.example.com" } }],
  ])("not %s", (_what, source) => {
    const transcript = volume(["ReadWriteOnce"], source);
    transcript.put(CSIDriverKind, { metadata: { name: "no-attach.example.com" }, spec: { attachRequired: false } });
    expect(transcript.put(PodKind, pod("p", "a")).decide()).toEqual([]);
  });

  test("not to a node whose kubelet does it itself", () => {
    const transcript = volume().put(NodeKind, node("a", {}, {}, {}));
    expect(transcript.put(PodKind, pod("p", "a")).decide()).toEqual([]);
  });

  test("once the driver says so, the node says so, and the pod hears of it", () => {
    const transcript = volume().put(PodKind, pod("p", "a"));
    transcript.put(VolumeAttachmentKind, attachment("a", { attached: false }));
    expect(transcript.decide()).toEqual(["requeue 120000"]);
    transcript.put(VolumeAttachmentKind, attachment("a", { attached: true }));
    expect(transcript.decide()).toEqual([
      `modify Node/a ${attached([{ name: UNIQUE, devicePath: "" }])}`,
      'event Normal SuccessfulAttachVolume Pod/p: AttachVolume.Attach succeeded for volume "pv" ',
    ]);
    transcript.put(NodeKind, node("a", has));
    expect(transcript.decide()).toEqual([]);
  });

  test("what the driver says is wrong is told once, and again when it is another thing", () => {
    const transcript = volume().put(PodKind, pod("p", "a"));
    const failing = (message: string) =>
      transcript.put(VolumeAttachmentKind, attachment("a", { attached: false, attachError: { message } })).decide();
    const told = (message: string) => [`event Warning FailedAttachVolume Pod/p: AttachVolume.Attach failed for volume "pv" : ${message}`];
    expect(failing("no such disk")).toEqual(told("no such disk"));
    expect(failing("no such disk")).toEqual([]);
    expect(failing("busy")).toEqual(told("busy"));
    expect(transcript.put(PodKind, pod("q", "a")).decide()).toEqual([told("busy")[0]?.replace("Pod/p", "Pod/q")]);
  });

  test("a driver that says nothing for two minutes is told of", () => {
    const transcript = volume().put(PodKind, pod("p", "a"));
    transcript.put(VolumeAttachmentKind, attachment("a", { attached: false }));
    expect(transcript.after(119_000).decide()).toEqual(["requeue 1000"]);
    expect(transcript.after(1_000).look("persistentvolumes/pv")).toEqual([
      'event Warning FailedAttachVolume Pod/p: AttachVolume.Attach failed for volume "pv" : timed out waiting for external-attacher of csi.example.com CSI driver to attach volume handle',
    ]);
  });

  test("what is on its way out is not said to be there, for a pod that comes meanwhile", () => {
    const transcript = volume().put(PodKind, pod("p", "a"));
    transcript.put(VolumeAttachmentKind, attachment("a", { attached: true }, { ...GOING, finalizers: ["external-attacher/x"] }));
    expect(transcript.decide()).toEqual([]);
    expect(transcript.remove(VolumeAttachmentKind, on("a")).decide()).toEqual([`create VolumeAttachment/${on("a")}`]);
  });
});

describe("on two nodes", () => {
  const both = (modes: readonly string[]): Transcript =>
    volume(modes)
      .put(PodKind, pod("p", "a"))
      .put(VolumeAttachmentKind, attachment("a", { attached: true }))
      .put(NodeKind, node("a", has))
      .put(PodKind, pod("q", "b"));

  test.each([["ReadWriteMany"], ["ReadOnlyMany"]])("%s: both have it", (mode) => {
    expect(both([mode]).decide()).toEqual([`create VolumeAttachment/${on("b")}`]);
  });

  test.each([["ReadWriteOnce"], ["ReadWriteOncePod"]])("%s: the second waits, is told once who has it, and gets it afterwards", (mode) => {
    const transcript = both([mode]);
    const told = ['event Warning FailedAttachVolume Pod/q: Multi-Attach error for volume "pv" Volume is already used by pod(s) p'];
    expect(transcript.decide()).toEqual(told);
    expect(transcript.put(PodKind, pod("q", "b")).decide()).toEqual([]);
    transcript.remove(PodKind, "p");
    expect(transcript.decide()).toEqual([`1: modify Node/a ${attached(null)}`, `2: delete VolumeAttachment/${on("a")}`]);
    const going = { ...GOING, finalizers: ["external-attacher/x"] };
    transcript.put(NodeKind, node("a")).put(VolumeAttachmentKind, attachment("a", { attached: true }, going));
    expect(transcript.decide()).toEqual([]);
    transcript.remove(VolumeAttachmentKind, on("a"));
    expect(transcript.decide()).toEqual([`create VolumeAttachment/${on("b")}`]);
  });

  test("a node that nobody wants it on any more and that has it mounted still", () => {
    const transcript = both(["ReadWriteOnce"]).remove(PodKind, "p");
    transcript.put(NodeKind, node("a", { ...has, volumesInUse: [UNIQUE] }));
    expect(transcript.decide()).toEqual([
      "requeue 360000",
      'event Warning FailedAttachVolume Pod/q: Multi-Attach error for volume "pv" Volume is already exclusively attached to one node and can\'t be attached to another',
    ]);
  });

  test("of two who want it at once one gets it; the other hears of it when it is attached", () => {
    const transcript = volume().put(PodKind, pod("p", "a")).put(PodKind, pod("q", "b"));
    expect(transcript.decide()).toEqual([`create VolumeAttachment/${on("a")}`]);
    expect(transcript.put(VolumeAttachmentKind, attachment("a", {})).decide()).toEqual(["requeue 120000"]);
    transcript.put(NodeKind, node("a", has)).put(VolumeAttachmentKind, attachment("a", { attached: true }));
    expect(transcript.decide()).toEqual([
      'event Warning FailedAttachVolume Pod/q: Multi-Attach error for volume "pv" Volume is already used by pod(s) p',
    ]);
  });
});

describe("detaching", () => {
  const unwanted = (status: object, spec: object = {}): Transcript =>
    volume()
      .put(VolumeAttachmentKind, attachment("a", { attached: true }))
      .put(NodeKind, node("a", status, spec));
  const deleted = [`1: modify Node/a ${attached(null)}`, `2: delete VolumeAttachment/${on("a")}`];
  const inUse = { ...has, volumesInUse: [UNIQUE] };
  const down = { ...inUse, conditions: [{ type: "Ready", status: "Unknown" }] };

  test("a node that has it mounted no more", () => {
    expect(unwanted(has).decide()).toEqual(deleted);
    expect(unwanted({}).decide()).toEqual([`delete VolumeAttachment/${on("a")}`]);
  });

  test("a node that has it mounted still is waited for, as long as it is well", () => {
    const transcript = unwanted(inUse);
    expect(transcript.decide()).toEqual(["requeue 360000"]);
    expect(transcript.after(360_000).look("persistentvolumes/pv")).toEqual([]);
    expect(transcript.put(NodeKind, node("a", has)).decide()).toEqual(deleted);
  });

  test("from a node that is not well it is taken after six minutes", () => {
    const transcript = unwanted(down);
    expect(transcript.decide()).toEqual(["requeue 360000"]);
    expect(transcript.after(359_000).look("persistentvolumes/pv")).toEqual(["requeue 1000"]);
    expect(transcript.after(1_000).look("persistentvolumes/pv")).toEqual(deleted);
  });

  test("from one that is out of service at once", () => {
    const taints = [{ key: "node.kubernetes.io/out-of-service", effect: "NoExecute" }];
    expect(unwanted(down, { taints }).decide()).toEqual(deleted);
  });

  test("from a node that is gone, after six minutes unless it had it mounted no more", () => {
    const unmounted = unwanted(has);
    expect(unmounted.decide()).toEqual(deleted);
    expect(unmounted.remove(NodeKind, "a").decide()).toEqual([`delete VolumeAttachment/${on("a")}`]);
    const mounted = unwanted(inUse);
    mounted.decide();
    mounted.after(359_000).remove(NodeKind, "a");
    expect(mounted.decide()).toEqual(["requeue 1000"]);
    expect(mounted.after(1_000).look("persistentvolumes/pv")).toEqual([`delete VolumeAttachment/${on("a")}`]);
  });

  test("not from a node that is gone whose pods are not", () => {
    const transcript = unwanted(inUse).put(PodKind, pod("p", "a"));
    transcript.decide();
    expect(transcript.remove(NodeKind, "a").decide()).toEqual([]);
    expect(transcript.after(360_000).look("persistentvolumes/pv")).toEqual([]);
    expect(transcript.remove(PodKind, "p").decide()).toEqual(["requeue 360000"]);
  });

  test("a volume that is gone", () => {
    expect(unwanted(has).remove(PersistentVolumeKind, "pv").decide()).toEqual(deleted);
    const transcript = unwanted(inUse).remove(PersistentVolumeKind, "pv");
    expect(transcript.decide()).toEqual(["requeue 360000"]);
    expect(transcript.put(NodeKind, node("a", has)).decide()).toEqual(deleted);
  });

  test("a volume whose driver is found to attach nothing", () => {
    const transcript = unwanted(has).put(PodKind, pod("p", "a"));
    expect(transcript.decide()).toEqual([]);
    transcript.put(CSIDriverKind, { metadata: { name: SOURCE.driver }, spec: { attachRequired: false } });
    expect(transcript.decide()).toEqual(deleted);
  });

  test("a pod that comes back in time keeps it, and what is on its way out is not asked for twice", () => {
    const transcript = unwanted(inUse);
    transcript.decide();
    expect(transcript.put(PodKind, pod("p", "a")).decide()).toEqual([]);
    const going = { ...GOING, finalizers: ["external-attacher/csi-example-com"] };
    transcript
      .remove(PodKind, "p")
      .put(NodeKind, node("a"))
      .put(VolumeAttachmentKind, attachment("a", { attached: true }, going));
    expect(transcript.decide()).toEqual([]);
  });

  test("attachments that others made are theirs", () => {
    const transcript = volume().put(VolumeAttachmentKind, attachment("a", { attached: true }, { name: "by-hand" }));
    expect(transcript.decide()).toEqual([]);
  });
});
