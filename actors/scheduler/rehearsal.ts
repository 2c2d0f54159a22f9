import {
  ANYWHERE,
  type Diagnosis,
  Draw,
  explain,
  IndexCache,
  Inventory,
  type Occupant,
  type Preemption,
  placeBatch,
  preempt,
  preemptTogether,
  UNPLACED,
  wordsOf,
} from "../../scheduler-core/mod.ts";
import { isTerminalPhase } from "../kinds/core/pod-phase.ts";
import type { Pod } from "../kinds/generated/types.ts";
import { POD_GROUPS } from "../kinds/scheduling/pod-group.ts";
import { nameOfKey } from "../store/resource-table.ts";
import type { Entry } from "../store/view.ts";
import { VOLUME_ATTACHMENTS } from "./attachments.ts";
import { Budgets } from "./budgets.ts";
import { DEFAULT_CONFIGURATION, type SchedulerConfiguration } from "./configuration/configuration.ts";
import { type AskExtender, Extenders } from "./extenders.ts";
import { Intake } from "./intake.ts";
import { diagnosisMessage, extendersMessage, refusalMessage, unschedulableMessage } from "./messages.ts";
import { Reservation } from "./nominations.ts";
import type { ObjectList } from "./objects.ts";
import type { Candidate, PodRecord } from "./pod-record.ts";
import { profilesOf } from "./profile.ts";
import { SchedulingQueue } from "./queue.ts";
import { RESOURCES_READ } from "./resources-read.ts";

/** What one node has to say of a pod. */
export type NodeAnswer =
  | { readonly node: string; readonly feasible: false; readonly reasons: readonly string[] }
  | { readonly node: string; readonly feasible: true; readonly scores: Readonly<Record<string, number>>; readonly total: number };

/** Why a pod goes where it goes, or waits. */
export interface Account {
  readonly pod: string;
  /** Where it is; undefined: it waits. */
  readonly node: string | undefined;
  /** What keeps it from being looked at, or why no node takes it; undefined: some node does. */
  readonly message: string | undefined;
  /** The nodes with the best total: any of them is as good. */
  readonly best: readonly string[];
  readonly nodes: readonly NodeAnswer[];
}

/** Where a pod would go. */
export interface Placement {
  readonly pod: string;
  readonly node: string | undefined;
  readonly message: string | undefined;
  /** Where room would be made for it, and who would have to go. */
  readonly nominated: string | undefined;
  readonly victims: readonly string[];
  /** Extenders that would have a say, and were not asked; absent: there are none. */
  readonly notAsked?: readonly string[];
}

type Decision = Omit<Placement, "pod" | "notAsked">;

const NOBODY_ASKS: AskExtender = () => Promise.reject(new Error("extenders are not asked here"));
const SEED = 1;
/** What is counted as it comes; everything else is looked up when a pod or a node names it. */
const TAKEN_IN: readonly string[] = ["namespaces", VOLUME_ATTACHMENTS, "nodes", "pods"];
/** All that is read, in the order in which it can be taken in one by one. */
export const RESOURCES_REHEARSED: readonly string[] = [
  POD_GROUPS,
  ...RESOURCES_READ.map(({ resource }) => resource).filter((resource) => !TAKEN_IN.includes(resource)),
  ...TAKEN_IN,
];

/** Decides as a scheduler shard would, on objects in memory, and binds nobody. */
export class Rehearsal {
  readonly #objects: ObjectList;
  readonly #inventory = new Inventory(0);
  readonly #queue: SchedulingQueue<PodRecord>;
  readonly #intake: Intake;
  readonly #names: readonly string[];
  readonly #random = new Draw(SEED);
  readonly #extenders: Extenders;

  constructor(objects: ObjectList, configuration: SchedulerConfiguration = DEFAULT_CONFIGURATION, askExtender: AskExtender = NOBODY_ASKS) {
    this.#extenders = new Extenders(configuration.extenders, askExtender, objects);
    this.#objects = objects;
    this.#queue = new SchedulingQueue(configuration);
    const profiles = profilesOf(configuration, this.#inventory);
    this.#names = [...profiles.keys()];
    this.#intake = new Intake(objects, this.#inventory, this.#queue, { profiles, owns: () => true });
    for (const resource of TAKEN_IN) for (const entry of objects.list(resource)) this.#take(resource, entry);
  }

  /** Takes in one more object; `resource` as in a Key. Those that pods and nodes name are to be there before them: the order of RESOURCES_REHEARSED. */
  add(resource: string, entry: Entry): void {
    this.#objects.add(entry);
    this.#take(resource, entry);
  }

  /** What each node says of a pod that is there, whether it waits or not; where it is bound, as if it were not. Undefined: there is none. */
  why(key: string): Account | undefined {
    const pod = this.#objects.get<Pod>(key);
    if (pod === undefined) return undefined;
    const { nodeName: node, ...spec } = pod.spec;
    const name = `${pod.metadata.namespace}/${pod.metadata.name}`;
    if (node) this.#retake({ ...pod, spec, status: {} });
    const candidate = this.#intake.find(key)?.candidate;
    const record = this.#intake.find(key);
    if (candidate === undefined || record === undefined) {
      return { pod: name, node: node || undefined, message: this.#whyNot(pod), best: [], nodes: [] };
    }
    const { pin, refusal } = candidate;
    const { nominations } = this.#intake;
    nominations.release(record);
    const pods = this.#inventory.ready(candidate.handle, record.peer);
    const nodes = explain(this.#inventory.cluster, pods, nominations.guests()).flatMap((answer): NodeAnswer[] => {
      const name = this.#inventory.nameOf(answer.slot);
      if (pin !== undefined && pin !== name) return [];
      if (answer.feasible) return [{ node: name, feasible: true, scores: answer.scores, total: answer.total }];
      return [{ node: name, feasible: false, reasons: answer.reasons.map((reason) => wordsOf(reason, this.#inventory.columns.names)) }];
    });
    const top = Math.max(...nodes.map((answer) => (answer.feasible ? answer.total : -1)));
    const best = nodes.filter((answer) => answer.feasible && answer.total === top).map((answer) => answer.node);
    let message: string | undefined;
    if (refusal !== undefined) message = refusalMessage(refusal, this.#inventory.nodes());
    else if (!node && record.gang !== undefined && this.#intake.gangs.wanted(record.gang) > 0)
      message = this.#decideGroup(record.gang).get(record)?.message;
    else if (best.length === 0) message = this.#decide(record, candidate).message;
    return { pod: name, node: node || undefined, message, best: refusal === undefined ? best : [], nodes };
  }

  /** The account of a pod with what the extenders make of the nodes that the plugins let pass; they are asked. */
  async consulted(key: string, account: Account): Promise<Account> {
    const pod = this.#objects.get<Pod>(key);
    const feasible = account.nodes.flatMap(({ node, feasible }) => (feasible ? [node] : []));
    if (pod === undefined || feasible.length === 0 || !this.#extenders.concern(pod)) return account;
    const answers = await this.#extenders.consult(pod, feasible).catch((error: Error) => error);
    if (answers instanceof Error) return { ...account, message: answers.message, best: [] };
    const nodes = account.nodes.map((answer): NodeAnswer => {
      if (!answer.feasible) return answer;
      const { node, scores, total } = answer;
      const score = answers.nodes.get(node);
      if (score === undefined) return { node, feasible: false, reasons: [answers.failed.get(node) ?? "an extender left it out"] };
      return { node, feasible: true, scores: { ...scores, extenders: score }, total: total + score };
    });
    const top = Math.max(...nodes.map((answer) => (answer.feasible ? answer.total : -1)));
    const best = nodes.filter((answer) => answer.feasible && answer.total === top).map(({ node }) => node);
    if (best.length > 0) return { ...account, nodes, best };
    const words = Map.groupBy(answers.failed.values(), (why) => why);
    const message = extendersMessage(new Map([...words].map(([why, each]) => [why, each.length])), this.#inventory.nodes());
    return { ...account, nodes, best, message: account.message ?? message };
  }

  /** Takes in pods that want a node and decides for them by priority, each seeing those before it. */
  place(pods: readonly Pod[]): Placement[] {
    const placements = new Map(this.placing(pods));
    return pods.map((pod) => placements.get(pod) as Placement);
  }

  /** The same one by one, in the order in which they are decided. */
  *placing(pods: readonly Pod[]): Generator<readonly [Pod, Placement]> {
    const records = pods.map((pod): readonly [Pod, PodRecord | undefined] => {
      this.#retake(pod);
      return [pod, this.#intake.find(keyOf(pod))];
    });
    const groups = new Map<string, ReadonlyMap<PodRecord, Decision>>();
    for (const [pod, record] of records.sort(([, a], [, b]) => (b?.priority ?? 0) - (a?.priority ?? 0))) {
      const name = `${pod.metadata.namespace}/${pod.metadata.name}`;
      const candidate = record?.candidate;
      if (record === undefined || candidate === undefined) {
        const node = pod.spec.nodeName || undefined;
        const message = node === undefined ? this.#whyNot(pod) : undefined;
        yield [pod, { pod: name, node, message, nominated: undefined, victims: [] }];
        continue;
      }
      const notAsked = this.#extenders.concerned(pod);
      const decision = this.#decideMember(record, groups) ?? this.#decide(record, candidate);
      yield [pod, { pod: name, ...decision, ...(notAsked.length === 0 ? {} : { notAsked }) }];
    }
  }

  /** Undefined: the pod is none whose group has to get nodes together. */
  #decideMember(record: PodRecord, groups: Map<string, ReadonlyMap<PodRecord, Decision>>): Decision | undefined {
    const { gang } = record;
    if (gang === undefined) return undefined;
    if (!groups.has(gang) && this.#intake.gangs.wanted(gang) > 0) groups.set(gang, this.#decideGroup(gang));
    return groups.get(gang)?.get(record);
  }

  /** Decides for all members of a group that wait: enough of them get nodes, or none does, and room would be made for as many as are wanted or for none. */
  #decideGroup(gang: string): ReadonlyMap<PodRecord, Decision> {
    const { gangs } = this.#intake;
    const nobody = { nominated: undefined, victims: [] };
    const members = [...gangs.waiting(gang)].sort((a, b) => b.priority - a.priority);
    const shortage = gangs.shortage(gang, this.#inventory);
    if (shortage !== undefined) {
      const message = refusalMessage(shortage, this.#inventory.nodes());
      return new Map(members.map((record) => [record, { node: undefined, message, ...nobody }]));
    }
    const wanted = gangs.wanted(gang);
    const decided = new Map(members.map((record) => [record, this.#decide(record, record.candidate as Candidate, false)]));
    const placed = members.filter(({ node }) => node !== undefined);
    if (placed.length >= wanted) return decided;
    for (const record of placed) this.#intake.forget(record);
    const room = this.#roomFor(members, wanted);
    return new Map(
      members.map((record, i) => {
        const message = decided.get(record)?.message ?? `the other members of pod group "${gang}" found no nodes`;
        return [record, { node: undefined, message, ...(room?.[i] ?? nobody) }];
      }),
    );
  }

  /** For each member where it would have room, and who would have to go for it; undefined: there is none to be made for enough of them. */
  #roomFor(members: readonly PodRecord[], wanted: number): readonly Pick<Placement, "nominated" | "victims">[] | undefined {
    const budgets = new Budgets(this.#objects);
    const { cluster } = this.#inventory;
    const found = preemptTogether<PodRecord>(cluster, {
      members: members.map((record) => {
        const { handle, pin, preemptionPolicy, profile } = record.candidate as Candidate;
        const mayPreempt = preemptionPolicy !== "Never" && profile.preemption !== undefined;
        const at = pin === undefined ? ANYWHERE : this.#intake.slotOfPin(pin);
        return { pods: this.#inventory.ready(handle, record.peer), pin: at, mayPreempt };
      }),
      wanted,
      occupants: (slot) => this.#occupants(slot, budgets),
      allowed: budgets.allowed,
      guests: this.#intake.nominations.guests(),
      random: this.#random,
      indexes: new IndexCache(),
      find: (request) => preempt(cluster, request),
    });
    const told = new Set<PodRecord>();
    if (found?.kind !== "found") return undefined;
    return found.slots.map((slot) => {
      if (slot === UNPLACED) return { nominated: undefined, victims: [] };
      const victims = found.victims.filter(({ slot: from, owner }) => from === slot && !told.has(owner)).map(({ owner }) => owner);
      for (const victim of victims) told.add(victim);
      return { nominated: this.#inventory.nameOf(slot), victims: victims.map(({ key }) => key.slice("pods/".length)) };
    });
  }

  #decide(record: PodRecord, candidate: Candidate, mayPreempt = true): Decision {
    const { handle, pin, refusal, preemptionPolicy, profile } = candidate;
    const nobody = { nominated: undefined, victims: [] };
    if (refusal !== undefined) {
      return { node: undefined, message: refusalMessage(refusal, this.#inventory.nodes()), ...nobody };
    }
    this.#intake.nominations.release(record);
    const pods = this.#inventory.ready(handle, record.peer);
    const at = pin === undefined ? ANYWHERE : this.#intake.slotOfPin(pin);
    const guests = this.#intake.nominations.guests();
    const batch = { classes: [pods], pods: Int32Array.of(0), pins: Int32Array.of(at), guests };
    const { slots, diagnoses } = placeBatch(this.#inventory.cluster, batch, new IndexCache(), this.#random);
    const slot = slots[0] ?? UNPLACED;
    if (slot !== UNPLACED) {
      const node = this.#inventory.nameOf(slot);
      this.#intake.assume(record, node);
      return { node, message: undefined, ...nobody };
    }
    const diagnosis = diagnoses[0] as Diagnosis;
    let found: Preemption<PodRecord> | undefined;
    if (!mayPreempt) return { node: undefined, message: diagnosisMessage(diagnosis, this.#inventory.columns.names), ...nobody };
    if (diagnosis.preemptible > 0 && preemptionPolicy !== "Never" && profile.preemption !== undefined) {
      const budgets = new Budgets(this.#objects);
      const occupants = (slot: number): Occupant<PodRecord>[] => this.#occupants(slot, budgets);
      const request = { pods, pin: at, occupants, allowed: budgets.allowed, guests, random: this.#random, candidates: profile.preemption };
      found = preempt(this.#inventory.cluster, request);
    }
    return {
      node: undefined,
      message: unschedulableMessage(diagnosis, this.#inventory.columns.names, preemptionPolicy, found),
      nominated: found?.slot === undefined ? undefined : this.#inventory.nameOf(found.slot),
      victims: found?.victims.map(({ key }) => key.slice("pods/".length)) ?? [],
    };
  }

  #occupants(slot: number, budgets: Budgets): Occupant<PodRecord>[] {
    return [...this.#intake.on(this.#inventory.nameOf(slot))].flatMap((owner): Occupant<PodRecord>[] => {
      if (owner instanceof Reservation) return [];
      const started = this.#objects.get<Pod>(owner.key)?.status?.startTime;
      return [
        {
          owner,
          priority: owner.priority,
          started_ms: started === undefined ? undefined : Date.parse(started),
          usage: owner.usage,
          marks: this.#inventory.raisedBy(owner.peer),
          budgets: budgets.of(owner.peer.facts, nameOfKey(owner.key)),
        },
      ];
    });
  }

  #take(resource: string, entry: Entry): void {
    if (resource === "pods") this.#intake.takePod(entry, undefined, 0);
    else if (resource === "nodes") this.#intake.takeNode(entry);
    else if (resource === VOLUME_ATTACHMENTS) this.#intake.takeAttachment(entry);
    else if (resource === "namespaces") this.#intake.takeNamespace(entry, undefined);
  }

  #retake(pod: Pod): void {
    const key = keyOf(pod);
    const before = this.#objects.entry(key);
    if (before !== undefined) this.#intake.takePod(undefined, before, 0);
    this.#intake.takePod(this.#objects.put("pods", pod), undefined, 0);
  }

  #whyNot({ metadata, spec, status }: Pod): string {
    const gates = spec.schedulingGates ?? [];
    if (isTerminalPhase(status?.phase)) return "it has ended";
    if (metadata.deletionTimestamp !== undefined) return "it is being deleted";
    if (gates.length > 0) return `it waits behind scheduling gates: ${gates.map(({ name }) => name).join(", ")}`;
    return `it asks for the scheduler ${spec.schedulerName}, and here is ${this.#names.join(", ")}`;
  }
}

function keyOf({ metadata }: Pod): string {
  return `pods/${metadata.namespace}/${metadata.name}`;
}
