import { type Inventory, NO_SUCH_NODE, type Peer } from "../../scheduler-core/mod.ts";
import { isTerminal } from "../kinds/core/pod-phase.ts";
import type { Namespace, Pod, ResourceResourceClaim as ResourceClaim } from "../kinds/generated/types.ts";
import { partsOf } from "../kinds/kind.ts";
import { mayBeDeleted } from "../kinds/metadata-text.ts";
import { groupOf, POD_GROUPS } from "../kinds/scheduling/pod-group.ts";
import type { Regarding } from "../registry/event-recorder.ts";
import type { Change, Entry } from "../store/view.ts";
import { VOLUME_ATTACHMENTS } from "./attachments.ts";
import { classify, peerOfPod, type Surroundings, usageOfPod } from "./class.ts";
import { DefaultSpread } from "./default-spread.ts";
import { DEVICE_CLASSES, DEVICE_SLICES, DeviceBook } from "./devices/device-book.ts";
import { DEVICE_CLAIMS, DYNAMIC_RESOURCES, readPodClaims } from "./devices/pod-claims.ts";
import { namedNodes } from "./facts.ts";
import { Gangs } from "./gangs.ts";
import { Happened } from "./happened.ts";
import { CSI_NODES, NodeIntake } from "./node-intake.ts";
import { Nominations, type Reservation } from "./nominations.ts";
import type { Objects } from "./objects.ts";
import type { PodRecord } from "./pod-record.ts";
import type { Profile } from "./profile.ts";
import { QueueTicket, type SchedulingQueue } from "./queue.ts";
import { isBoundTo, mayBeTerminal, samePeer, sameSpec } from "./relevance.ts";
import { isBeingResized } from "./resource-needs.ts";
import { Roster } from "./roster.ts";
import { attachedBy } from "./volume-limits.ts";
import { claimOf, readVolumes } from "./volumes.ts";

/** Source: NodeAffinity's errReasonConflict. */
const CONFLICTING_TERMS = "pod affinity terms conflict";
/** Where a group could go depends on all its members, and devices are found for one pod at a time. */
const CLAIMS_IN_GROUP = "members of pod groups cannot claim devices";

/** Whose pods a shard decides. */
export interface Responsibility {
  /** The schedulers that it is, by name; pods of others are left alone. */
  readonly profiles: ReadonlyMap<string, Profile>;
  /** Whether the pod with this uid falls to this shard. */
  owns(uid: string): boolean;
}

/**
 * Takes changes of pods, nodes and namespaces into the arrays, the roster and the queue, and notes what has changed that may let a
 * waiting pod find a node. Must not run while a worker has the arrays.
 */
export class Intake {
  readonly gangs: Gangs;
  readonly happened: Happened = new Happened();
  /** Nodes that lend, and whose facts have changed since this was last cleared. */
  readonly lenders: Set<string> = new Set();
  /** How many times something has changed that may help a pod: who was not in the queue meanwhile may have missed it. */
  events = 0;
  readonly #view: Objects;
  readonly #inventory: Inventory;
  readonly #queue: SchedulingQueue<PodRecord>;
  readonly #responsibility: Responsibility;
  readonly #defaultSpread: DefaultSpread;
  readonly #pods = new Map<string, PodRecord>();
  /** Pods with persistent volumes that wait for a node. */
  readonly #withVolumes = new Set<PodRecord>();
  #volumesChanged = false;
  readonly devices: DeviceBook;
  /** Waiting pods by each of their claims on devices. */
  readonly #claiming = new Map<string, Set<PodRecord>>();
  /** The keys of pods that are not to be tried before their claims are there. */
  readonly #awaiting = new Set<string>();
  readonly nominations: Nominations;
  readonly #roster: Roster<PodRecord | Reservation>;
  readonly #nodes: NodeIntake;

  constructor(view: Objects, inventory: Inventory, queue: SchedulingQueue<PodRecord>, responsibility: Responsibility) {
    this.#view = view;
    this.#inventory = inventory;
    this.#queue = queue;
    this.#responsibility = responsibility;
    this.#defaultSpread = new DefaultSpread(view);
    this.devices = new DeviceBook(view);
    this.gangs = new Gangs(view);
    this.#roster = new Roster(inventory);
    this.#nodes = new NodeIntake({ view, inventory, roster: this.#roster, happened: this.happened, lenders: this.lenders });
    this.nominations = new Nominations(inventory, this.#roster);
  }

  take(change: Change, now_ms: number): void {
    const { resource, now, before } = change;
    if (resource === "pods") this.takePod(now, before, now_ms);
    else if (resource === "nodes") this.#nodes.take(now, before);
    else if (resource === "namespaces") this.takeNamespace(now, before);
    else if (resource === "services") this.#defaultSpread.serviceChanged((now ?? before)?.key ?? "");
    else if (resource === POD_GROUPS) this.#takeGroup(now, before, now_ms);
    else if (resource === CSI_NODES) this.#nodes.takeDrivers((now ?? before)?.key.slice(CSI_NODES.length + 1) ?? "");
    else if (resource === VOLUME_ATTACHMENTS) this.#nodes.takeAttachment(now, before);
    else if (resource === DEVICE_CLAIMS) this.#takeClaim(change, now_ms);
    else if (resource === DEVICE_CLASSES || resource === DEVICE_SLICES) this.#takeDevices(change, now_ms);
    else this.#volumesChanged = true;
  }

  /** Forgets what has changed: those whom it can help are woken. */
  settle(): void {
    this.events++;
    this.happened.clear();
  }

  /** What is known of a pod by its key; undefined: it is none of a shard's business. */
  find(key: string): PodRecord | undefined {
    return this.#pods.get(key);
  }

  /** Whether this is still the pod that it was: not deleted, not taken in anew. */
  isCurrent(record: PodRecord): boolean {
    return this.#pods.get(record.key) === record;
  }

  /** The slot that a pod is pinned to, or NO_SUCH_NODE. */
  slotOfPin(pin: string): number {
    return this.#inventory.slotOf(pin) ?? NO_SUCH_NODE;
  }

  /** Who is on a node, in the order in which they came. */
  on(node: string): ReadonlySet<PodRecord | Reservation> {
    return this.#roster.on(node);
  }

  /** A batch had room for the pod, and not for others without which it is not to run: it is nowhere again, and nobody has more room than before. */
  undo(record: PodRecord, node: string): void {
    const slot = this.#inventory.slotOf(node);
    const wasFreed = slot !== undefined && this.happened.freed.has(slot);
    const nominated = this.nominations.nodeOf(record);
    this.assume(record, node);
    this.forget(record);
    if (nominated !== undefined) this.nominations.set(record, nominated);
    if (slot !== undefined && !wasFreed) this.happened.freed.delete(slot);
  }

  /** A worker has placed the pod and counted it. */
  assume(record: PodRecord, node: string): void {
    record.node = node;
    if (record.gang !== undefined) {
      this.gangs.leave(record.gang, record);
      this.gangs.enter(record.gang, record, true);
    }
    this.nominations.clear(record);
    this.#note(record.peer, this.happened.raised);
    this.#roster.enter(record, node, true);
  }

  /** The binding failed: the pod is nowhere again. */
  forget(record: PodRecord): void {
    this.#vacate(record);
  }

  /** Takes in anew the waiting pods for whose volumes something has changed. To be called after the last change. */
  rereadVolumes(now_ms: number): void {
    if (!this.#volumesChanged) return;
    this.#volumesChanged = false;
    this.#nodes.rereadVolumes();
    for (const record of [...this.#withVolumes]) {
      if (record.node === undefined) this.reread(record, now_ms);
    }
  }

  /** Takes a waiting pod in anew if its volumes are not what they were. */
  reread(record: PodRecord, now_ms: number): void {
    const pod = this.#view.get<Pod>(record.key);
    if (pod === undefined || pod.metadata.uid !== record.uid || pod.spec.nodeName) return;
    if (JSON.stringify(readVolumes(this.#view, pod)) === JSON.stringify(record.candidate?.volumes)) return;
    this.#readmit(record, pod, now_ms);
  }

  takeNode(entry: Entry): void {
    this.#nodes.take(entry, undefined);
  }

  takeAttachment(entry: Entry): void {
    this.#nodes.takeAttachment(entry, undefined);
  }

  takeNamespace(now: Entry | undefined, before: Entry | undefined): void {
    const name = (now ?? before)?.key.slice("namespaces/".length) ?? "";
    const labels = now === undefined ? undefined : (this.#view.decode<Namespace>(now).metadata.labels ?? {});
    if (this.#inventory.setNamespace(name, labels)) this.happened.isRenamed = true;
  }

  takePod(now: Entry | undefined, before: Entry | undefined, now_ms: number): void {
    const key = (now ?? before)?.key ?? "";
    const known = this.#pods.get(key);
    if (now === undefined) {
      if (known !== undefined) this.#drop(known, now_ms);
      this.#awaiting.delete(key);
      return;
    }
    if (known !== undefined && before !== undefined && this.#changesNothing(known, before, now)) return;
    const pod = this.#view.decode<Pod>(now);
    if (known !== undefined && known.candidate !== undefined && known.node !== undefined && !pod.spec.nodeName) {
      // Its binding is under way and will be answered; only an end of the pod itself could matter now, and that is a deletion.
      if (known.uid === pod.metadata.uid) return;
    }
    if (known === undefined) {
      this.#admit(key, pod, now_ms);
      return;
    }
    const { node, usage } = known;
    const slot = node === undefined ? undefined : this.#inventory.slotOf(node);
    const wasFreed = slot !== undefined && this.happened.freed.has(slot);
    this.#readmit(known, pod, now_ms);
    const next = this.#pods.get(key);
    // It is still there and takes as much: its node has no more room than before.
    if (slot !== undefined && !wasFreed && next?.node === node && next?.usage === usage) this.happened.freed.delete(slot);
  }

  /** A pod is not what it was, or its surroundings are not. If it waits still, it keeps its turn, and is tried if what the scheduler makes of it has changed. */
  #readmit(known: PodRecord, pod: Pod, now_ms: number): void {
    const before = known.candidate;
    const standing = before === undefined || known.node !== undefined ? undefined : { ...before.ticket };
    const nominated = this.nominations.nodeOf(known);
    this.#drop(known, now_ms);
    this.#admit(known.key, pod, now_ms);
    const next = this.#pods.get(known.key);
    if (next?.candidate === undefined || before === undefined || standing === undefined || next.uid !== known.uid) return;
    const { handle, pin, refusal, ticket } = next.candidate;
    const isSame = handle === before.handle && pin === before.pin && refusal === before.refusal && next.peer === known.peer;
    this.#queue.succeed(ticket, standing, !isSame, now_ms);
    if (nominated !== undefined) this.nominations.set(next, nominated);
  }

  #changesNothing(known: PodRecord, before: Entry, now: Entry): boolean {
    if (!samePeer(before.text, now.text)) return false;
    if (known.node === undefined) return sameSpec(before.text, now.text) && !mayBeDeleted(now.text);
    if (mayBeTerminal(now.text)) return false;
    if (known.candidate === undefined) return !known.isBeingResized && sameSpec(before.text, now.text);
    if (!isBoundTo(now.text, known.node)) return false;
    if (known.candidate.devices !== undefined) this.#dropClaims(known, known.candidate.devices);
    known.candidate = undefined;
    return true;
  }

  #admit(key: string, pod: Pod, now_ms: number): void {
    const { metadata, spec, status } = pod;
    this.#awaiting.delete(key);
    if (isTerminal(pod)) return;
    const { uid } = metadata;
    const gang = groupOf(metadata);
    const priority = spec.priority ?? 0;
    if (spec.nodeName) {
      const claims = claimsOf(pod);
      const usage = usageOfPod(this.#inventory, pod, { attached: attachedBy(this.#view, pod) });
      const peer = peerOfPod(this.#inventory, pod, claims.length === 0 ? undefined : { claims });
      const record: PodRecord = {
        key,
        uid,
        priority,
        usage,
        peer,
        node: spec.nodeName,
        gang,
        isBeingResized: isBeingResized(pod),
        isVictim: isVictim(pod),
        candidate: undefined,
      };
      this.#pods.set(key, record);
      if (gang !== undefined) this.gangs.enter(gang, record, true);
      this.#note(peer, this.happened.raised);
      this.#roster.enter(record, spec.nodeName);
      return;
    }
    const gated = (spec.schedulingGates?.length ?? 0) > 0;
    const profile = this.#responsibility.profiles.get(spec.schedulerName ?? "");
    if (profile === undefined || gated || metadata.deletionTimestamp !== undefined || !this.#responsibility.owns(gang ?? uid)) return;
    const devices = readPodClaims(this.#view, pod);
    if (devices !== undefined && "notYet" in devices) {
      this.#awaiting.add(key);
      return;
    }
    const volumes = readVolumes(this.#view, pod);
    const surroundings: Surroundings = {
      volumes,
      attached: attachedBy(this.#view, pod),
      defaultSpread: this.#defaultSpread.constraintsOf(pod, profile.defaultConstraints),
      profile,
    };
    const { handle, peer, pin } = classify(this.#inventory, pod, surroundings);
    const inGroup = devices !== undefined && gang !== undefined ? CLAIMS_IN_GROUP : undefined;
    const refusal = namedNodes(pod)?.size === 0 ? CONFLICTING_TERMS : (volumes?.refusal ?? inGroup);
    const record: PodRecord = {
      key,
      uid,
      priority,
      usage: handle.usage,
      peer,
      node: undefined,
      gang,
      isBeingResized: false,
      isVictim: false,
      candidate: undefined,
    };
    const ticket = new QueueTicket(record, priority, `${handle.id}/${this.#inventory.kinship(peer).relationsId}@${pin ?? ""}`);
    const about: Regarding = { kind: "Pod", apiVersion: "v1", metadata };
    record.candidate = { handle, pin, volumes, devices, refusal, preemptionPolicy: spec.preemptionPolicy, profile, about, ticket };
    this.#pods.set(key, record);
    if (volumes !== undefined) this.#withVolumes.add(record);
    for (const claim of devices ?? []) this.#claiming.set(claim, (this.#claiming.get(claim) ?? new Set()).add(record));
    this.#queue.add(ticket, now_ms);
    if (gang !== undefined) {
      this.gangs.enter(gang, record, false);
      this.wakeGang(gang, now_ms);
    }
    if (status?.nominatedNodeName) this.nominations.set(record, status.nominatedNodeName);
  }

  /** What is written into a group's status helps nobody. */
  #takeGroup(now: Entry | undefined, before: Entry | undefined, now_ms: number): void {
    if (now !== undefined && before !== undefined && sameSpec(before.text, now.text)) return;
    this.wakeGang((now ?? before)?.key.slice(POD_GROUPS.length + 1) ?? "", now_ms);
  }

  /** Something about a group has changed: its members are looked at again. */
  wakeGang(gang: string, now_ms: number): void {
    for (const { candidate } of this.gangs.waiting(gang)) if (candidate !== undefined) this.#queue.wakeOne(candidate.ticket, now_ms);
  }

  /** Nobody is asked any more about a group: members whose turn came meanwhile are decided now. */
  rejoin(gang: string): void {
    if (this.gangs.isAskedAbout(gang)) return;
    for (const { candidate } of this.gangs.waiting(gang)) if (candidate?.ticket.place === "nowhere") this.#queue.putBack(candidate.ticket);
  }

  /** Source: isSchedulableAfterClaimChange. */
  #takeClaim(change: Change, now_ms: number): void {
    const { now, before } = change;
    const key = (now ?? before)?.key ?? "";
    this.devices.take(change);
    for (const record of [...(this.#claiming.get(key) ?? [])]) {
      if (record.node !== undefined || record.candidate === undefined) continue;
      const pod = this.#view.get<Pod>(record.key);
      const claims = pod === undefined ? undefined : readPodClaims(this.#view, pod);
      if (pod !== undefined && claims !== undefined && "notYet" in claims) this.#readmit(record, pod, now_ms);
      else this.#queue.wakeOne(record.candidate.ticket, now_ms);
    }
    const { namespace } = partsOf(key);
    for (const pod of [...this.#awaiting]) {
      const entry = pod.startsWith(`pods/${namespace}/`) ? this.#view.entry(pod) : undefined;
      if (entry !== undefined) this.takePod(entry, undefined, now_ms);
    }
    const had = before !== undefined && this.#view.decode<ResourceClaim>(before).status?.allocation !== undefined;
    const has = now !== undefined && this.#view.decode<ResourceClaim>(now).status?.allocation !== undefined;
    if (had && !has) this.wakeClaiming(now_ms);
  }

  /** There may be more devices, or others that are meant. */
  #takeDevices(change: Change, now_ms: number): void {
    if (change.resource === DEVICE_SLICES) this.devices.take(change);
    if (change.now !== undefined) this.wakeClaiming(now_ms);
  }

  /** Pods whose claims found no devices may find some. */
  wakeClaiming(now_ms: number): void {
    this.events++;
    for (const { key, rejectors, count } of [...this.#queue.waiting()]) {
      if (rejectors.has(DYNAMIC_RESOURCES)) this.#queue.wake(key, count, now_ms);
    }
  }

  #dropClaims(record: PodRecord, claims: readonly string[]): void {
    this.devices.settle(record);
    for (const claim of claims) {
      const others = this.#claiming.get(claim);
      others?.delete(record);
      if (others?.size === 0) this.#claiming.delete(claim);
    }
  }

  #drop(record: PodRecord, now_ms: number): void {
    this.#pods.delete(record.key);
    if (record.gang !== undefined) this.gangs.leave(record.gang, record);
    this.#withVolumes.delete(record);
    if (record.candidate?.devices !== undefined) this.#dropClaims(record, record.candidate.devices);
    const kept = this.#inventory.slotOf(this.nominations.nodeOf(record) ?? "");
    if (kept !== undefined) this.happened.freed.add(kept);
    this.nominations.clear(record);
    const { candidate } = record;
    if (record.node !== undefined) this.#vacate(record);
    else if (candidate !== undefined) {
      const wasWoken = candidate.ticket.place !== "unschedulable";
      this.#queue.remove(candidate.ticket);
      // The room that it was woken for may do for the next of its kind.
      if (wasWoken) this.#queue.wakeNext(candidate.ticket, now_ms);
    }
  }

  #vacate(record: PodRecord): void {
    if (record.node === undefined) return;
    this.#note(record.peer, this.happened.lowered);
    const slot = this.#roster.leave(record, record.node);
    record.node = undefined;
    if (record.gang !== undefined && this.#pods.get(record.key) === record) {
      this.gangs.leave(record.gang, record);
      this.gangs.enter(record.gang, record, false);
    }
    if (slot !== undefined) this.happened.freed.add(slot);
  }

  /** More pods raise what it raises, or fewer do. */
  #note(peer: Peer, marks: Set<number>): void {
    for (const mark of this.#inventory.raisedBy(peer)) marks.add(mark);
  }
}

function claimsOf(pod: Pod): string[] {
  const names = (pod.spec.volumes ?? []).flatMap((volume) => claimOf(pod, volume) ?? []);
  return names.map((name) => `${pod.metadata.namespace}/${name}`);
}

/** Whether the pod is being ended to make room for another. Source: podTerminatingByPreemption. */
function isVictim({ metadata, status }: Pod): boolean {
  const target = status?.conditions?.find(({ type }) => type === "DisruptionTarget");
  return metadata.deletionTimestamp !== undefined && target?.status === "True" && target.reason === "PreemptionByScheduler";
}
