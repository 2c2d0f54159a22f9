import { AttachedVolumes, type NodeVolumes } from "./attached-volumes.ts";
import type { ClassDescription, ClassHandle, Needs } from "./class-description.ts";
import { Cluster } from "./cluster.ts";
import type { NodeFacts, PodFacts, WorldFacts } from "./facts.ts";
import { ImageSpread } from "./image-spread.ts";
import { counted, type Kinship, kinshipOf } from "./kinship.ts";
import { Marks, type Matching, namespacesOf, type Peer } from "./marks.ts";
import { PortColumns, ResourceColumns } from "./numbering.ts";
import type { PeerFacts, PeerSelector } from "./peers.ts";
import type { PodClass } from "./pod-class.ts";
import { FIXED_SCORES, filtersOf, PEER_PLUGINS, USAGE_SCORES } from "./profile.ts";
import { pluginOf } from "./reason.ts";
import { Residents } from "./residents.ts";
import { isSuitable, keptOffBy, roomOn } from "./room.ts";
import { DEFAULT_PROFILE, type SchedulingProfile } from "./scheduling-profile.ts";
import { StaticClass } from "./static-class.ts";
import { NodeFilter } from "./survey.ts";
import { TopologyKeys } from "./topology-keys.ts";
import { type Usage, usageOf } from "./usage.ts";

/** Static classes that are kept worked out for all nodes; the one used longest ago is forgotten first. */
const STATIC_CLASSES_MAX = 256;
/** Marks and values of a topology key that may be there for nothing. */
const LITTER_MAX = 1_024;
/** Pod classes that are remembered by key. */
const POD_CLASSES_MAX = 16_384;

const NO_MARKS: Int32Array = new Int32Array(0);

/** A kinship with numbers in the place of long keys. */
export interface NumberedKinship extends Kinship {
  /** Equal for peers that raise the same marks and that other pods have the same say in. */
  readonly id: number;
  /** Equal for peers that other pods have the same say in; 0: none has. */
  readonly relationsId: number;
}

/**
 * The owner's side of a cluster: gives nodes, resources, ports and classes their numbers and keeps the arrays and the static
 * verdicts current. Everything here must happen while no worker has the arrays.
 */
export class Inventory implements WorldFacts {
  readonly columns: ResourceColumns = new ResourceColumns();
  #cluster: Cluster;
  readonly #ports = new PortColumns();
  readonly #images = new ImageSpread();
  readonly #attached = new AttachedVolumes();
  readonly #slotOf = new Map<string, number>();
  readonly #facts: (NodeFacts | undefined)[] = [];
  readonly #free: number[] = [];
  readonly #statics = new Map<string, StaticClass>();
  readonly #classes = new Map<string, ClassHandle>();
  readonly #usages = new Map<string, Usage>();
  readonly #arrays = new Map<string, Int32Array | Uint8Array>();
  /** Worked-out static classes, the one used last at the end. */
  readonly #workedOut = new Set<StaticClass>();
  #marks = new Marks();
  #keys = new TopologyKeys();
  /** Marks and domains after they were last tidied. */
  #tidied = 0;
  readonly #peers = new Map<string, Peer>();
  /** Invariant: the cluster's marks are what these raise. */
  readonly #residents = new Residents();
  readonly #kinships = new WeakMap<Peer, { readonly version: string; readonly kinship: NumberedKinship }>();
  readonly #kinshipNumbers = new Map<string, number>();
  #nextClass = 0;
  #nextStatics = 0;
  #nextKinship = 0;

  constructor(identity: number) {
    this.#cluster = Cluster.create(identity);
  }

  get cluster(): Cluster {
    return this.#cluster;
  }

  nodes(): number {
    return this.#slotOf.size;
  }

  image(name: string): { readonly nodes: number; readonly size_bytes: number } | undefined {
    return this.#images.of(name);
  }

  /** The slot of a live node; undefined: there is none of this name. */
  slotOf(name: string): number | undefined {
    return this.#slotOf.get(name);
  }

  factsOf(slot: number): NodeFacts | undefined {
    return this.#facts[slot];
  }

  nameOf(slot: number): string {
    const facts = this.#facts[slot];
    if (facts === undefined) throw new Error(`slot ${slot} has no node`);
    return facts.name;
  }

  /** The name of a topology key by its column. */
  topologyKey(column: number): string {
    return this.#keys.name(column);
  }

  /** Takes in a new or changed node. A new one is empty; its slot is the answer. */
  setNode(facts: NodeFacts, allocatable: Readonly<Record<string, number>>): number {
    const amounts = this.#amounts(allocatable);
    let slot = this.#slotOf.get(facts.name);
    const before = slot === undefined ? undefined : this.#facts[slot];
    if (slot === undefined) {
      slot = this.#free.pop() ?? this.#facts.length;
      this.#makeRoom(slot + 1);
      this.#slotOf.set(facts.name, slot);
      this.#cluster.open(slot, amounts);
    } else this.#cluster.allocate(slot, amounts);
    if (before !== undefined) this.#images.remove(before);
    this.#images.add(facts);
    this.#facts[slot] = facts;
    this.#keys.write(this.#cluster, slot, facts);
    const spreadChanged = before === undefined || JSON.stringify(before.images) !== JSON.stringify(facts.images);
    this.#staticsChanged(slot, facts, spreadChanged);
    return slot;
  }

  removeNode(name: string): void {
    const slot = this.#slotOf.get(name);
    if (slot === undefined) return;
    const facts = this.#facts[slot];
    if (facts !== undefined) this.#images.remove(facts);
    this.#slotOf.delete(name);
    this.#facts[slot] = undefined;
    this.#residents.closed(slot);
    this.#free.push(slot);
    this.#cluster.close(slot);
    this.#attached.closed(slot);
    this.#staticsChanged(slot, undefined, true);
  }

  /** The usage of these needs, shared with everybody of the same `key`. */
  usageOf(key: string, needs: () => Needs): Usage {
    const known = this.#usages.get(key);
    if (known !== undefined) return known;
    const { requests, unchecked = [], nonzero, ports, disks = [], volumes = [] } = needs();
    const amounts = new Map(Object.entries(requests).map(([name, amount]) => [this.columns.of(name), amount]));
    const attachments = this.#attached.attachments(volumes, (driver) => this.columns.of(volumeLimit(driver)));
    const columns = new Set(unchecked.map((name) => this.columns.of(name)));
    const usage = usageOf(amounts, nonzero, this.#ports.of(ports), this.#ports.ofDisks(disks), attachments, columns);
    if (attachments !== undefined) this.#attached.remember(usage, volumes);
    this.#makeRoom(0);
    remember(this.#usages, key, usage, POD_CLASSES_MAX);
    return usage;
  }

  /** The class of the pods that fit this description. */
  classOf({ staticKey: factsKey, facts, usageKey, needs, priority, profile = DEFAULT_PROFILE }: ClassDescription): ClassHandle {
    const staticKey = profile.key === "" ? factsKey : `${profile.key}\n${factsKey}`;
    const key = `${priority}\n${staticKey}\n${usageKey}`;
    const known = this.#classes.get(key);
    if (known !== undefined) return known;
    let statics = this.#statics.get(staticKey);
    if (statics === undefined) {
      statics = new StaticClass(this.#nextStatics++, facts(), profile);
      remember(this.#statics, staticKey, statics, POD_CLASSES_MAX);
    }
    const usage = this.usageOf(usageKey, needs);
    const weights = this.#shared(weightsOf(profile, statics.facts, usage));
    const handle: ClassHandle = { id: this.#nextClass++, statics, usage, priority, weights, filters: this.#shared(filtersOf(profile)) };
    remember(this.#classes, key, handle, POD_CLASSES_MAX);
    return handle;
  }

  /** A pod as its peers see it, shared with everybody of the same `key`. */
  peerOf(key: string, facts: () => PeerFacts): Peer {
    const known = this.#peers.get(key);
    if (known !== undefined) return known;
    const peer = this.#marks.peer(facts());
    remember(this.#peers, key, peer, POD_CLASSES_MAX);
    return peer;
  }

  /** A pod is on the node now. `counted`: its usage and marks are in the arrays already, put there by a worker. */
  enter(slot: number, usage: Usage, peer: Peer | undefined, counted = false): void {
    const marks = peer === undefined ? undefined : this.raisedBy(peer);
    if (!counted) this.#cluster.add(slot, usage, marks);
    this.#attached.moved(this.#cluster, slot, usage, 1);
    if (peer !== undefined) this.#residents.enter(slot, peer);
  }

  /** The pod has left the node. */
  leave(slot: number, usage: Usage, peer: Peer | undefined): void {
    this.#cluster.remove(slot, usage, peer === undefined ? undefined : this.raisedBy(peer));
    this.#attached.moved(this.#cluster, slot, usage, -1);
    if (peer !== undefined) this.#residents.leave(slot, peer);
  }

  /** What a node attaches beyond what its pods say; see AttachedVolumes. */
  setVolumes(slot: number, volumes: NodeVolumes): void {
    const column = (driver: string): number => this.columns.of(volumeLimit(driver));
    for (const { driver } of volumes.attached) column(driver);
    this.#makeRoom(0);
    this.#attached.setNode(this.#cluster, slot, volumes, column);
  }

  /** The marks that such a pod raises. */
  raisedBy(peer: Peer): Int32Array {
    const marks = this.#marks.raisedBy(peer);
    this.#makeRoom(0);
    return marks;
  }

  /** The labels of a namespace; undefined: it is gone. Answers whether some term asks for them, so that others may be meant by it than before. */
  setNamespace(name: string, labels: Readonly<Record<string, string>> | undefined): boolean {
    const before = [...this.#residents.in([name])].map(([peer, places]) => ({ peer, places, marks: this.#marks.raisedBy(peer) }));
    if (!this.#marks.setNamespace(name, labels)) return false;
    for (const { peer, places, marks } of before) {
      const raised = this.raisedBy(peer);
      for (const [slot, times] of places) {
        for (const mark of marks) this.#cluster.mark(slot, mark, -times);
        for (const mark of raised) this.#cluster.mark(slot, mark, times);
        this.#cluster.touch(slot);
      }
    }
    return true;
  }

  /**
   * Gives up the marks and topology values that nobody asks for any more, once they may be most of them: begins anew with those that the pods on nodes
   * bring along; those that waiting pods ask for come again when these are made ready. Numbers of marks known elsewhere mean nothing afterwards.
   */
  tidy(): boolean {
    const held = this.#marks.count + this.#keys.domainsMost;
    if (held < 2 * this.#tidied + LITTER_MAX + this.nodes()) return false;
    this.#marks = Marks.after(this.#marks);
    this.#keys = new TopologyKeys();
    this.#kinshipNumbers.clear();
    this.#cluster = this.#cluster.withoutMarks((this.#cluster.identity + 1) | 0);
    for (const [peer, places] of this.#residents.in()) {
      const raised = this.raisedBy(peer);
      for (const [slot, times] of places) for (const mark of raised) this.#cluster.mark(slot, mark, times);
    }
    this.#tidied = this.#marks.count;
    return true;
  }

  /** What other pods have to say about where such a pod goes, as marks and keys. */
  kinship(peer: Peer): NumberedKinship {
    const known = this.#kinships.get(peer);
    if (known !== undefined && known.version === this.#marks.version) return known.kinship;
    const found = kinshipOf(peer, this.#marks, {
      matching: (all, onlyLiving) => this.#matching(all, onlyLiving),
      using: (claim) => this.#counted(this.#marks.using(claim)),
      key: (topologyKey) => this.#key(topologyKey),
    });
    this.#makeRoom(0);
    const kinship = {
      ...found,
      relationsId: found.key === "" ? 0 : this.#kinshipNumber(found.key),
      id: this.#kinshipNumber(`${found.key} ${found.marks.join()}`),
    };
    this.#kinships.set(peer, { version: this.#marks.version, kinship });
    return kinship;
  }

  /** The class as a worker needs it, worked out for the nodes as they are. `peer`: what other pods make of these; undefined: nothing. */
  ready(handle: ClassHandle, peer?: Peer): PodClass {
    const kinship = peer === undefined ? undefined : this.kinship(peer);
    const { statics, usage } = handle;
    this.#attached.refresh(usage, this.#slotOf.values());
    if (!statics.isWorkedOut(this.#cluster.capacity)) statics.workOut(this.#facts, this.#cluster.capacity, this);
    this.#workedOut.delete(statics);
    this.#workedOut.add(statics);
    if (this.#workedOut.size > STATIC_CLASSES_MAX) {
      for (const oldest of this.#workedOut) {
        oldest.forget();
        this.#workedOut.delete(oldest);
        break;
      }
    }
    return {
      id: handle.id,
      relationsId: kinship?.relationsId ?? 0,
      staticsId: statics.id,
      verdicts: statics.verdicts,
      revision: statics.revision,
      rejected: statics.rejected,
      groups: statics.groups,
      weights: handle.weights,
      filters: handle.filters,
      scoring: statics.profile.scoring,
      usage,
      priority: handle.priority,
      marks: kinship?.marks ?? NO_MARKS,
      relations: kinship?.relations === undefined ? undefined : counted(kinship.relations, this.#keys, statics.eligible(this.#facts)),
    };
  }

  /** Of so many pods that these plugins have rejected, how many are worth a try now that nodes have come or changed. */
  worthATry(handle: ClassHandle, peer: Peer, slots: Iterable<number>, rejectors: ReadonlySet<string>, most: number): number {
    let filter: NodeFilter | undefined;
    let room = 0;
    for (const slot of slots) {
      if (room >= most) break;
      const facts = this.#facts[slot];
      if (facts === undefined || !isSuitable(handle, facts)) continue;
      let by = keptOffBy(this.#cluster, slot, handle);
      if (by === undefined && this.kinship(peer).relations !== undefined) {
        filter ??= new NodeFilter(this.#cluster, this.ready(handle, peer));
        const [reason] = filter.rejection(slot)?.reasons ?? [];
        by = reason === undefined ? undefined : pluginOf(reason);
      }
      if (by === undefined) room += roomOn(this.#cluster, slot, handle, most - room);
      // Where somebody else rejects it now, a try finds that out, and from then on what can change that plugin's mind is looked out for.
      else if (!rejectors.has(by)) room++;
    }
    return room;
  }

  /** One array for all of the same content: they cross threads with every class. */
  #shared<T extends Int32Array | Uint8Array>(array: T): T {
    const key = `${array.constructor.name} ${array.join()}`;
    const known = this.#arrays.get(key) as T | undefined;
    if (known === undefined) this.#arrays.set(key, array);
    return known ?? array;
  }

  #amounts(allocatable: Readonly<Record<string, number>>): Float64Array {
    for (const name in allocatable) this.columns.of(name);
    const amounts = new Float64Array(this.columns.count);
    for (const name in allocatable) amounts[this.columns.of(name)] = allocatable[name] ?? 0;
    return amounts;
  }

  #makeRoom(slots: number): void {
    const { capacity, columns, portColumns } = this.#cluster;
    const { markColumns, keyColumns } = this.#cluster;
    const isWide = this.columns.count <= columns && this.#ports.count <= portColumns;
    if (slots <= capacity && isWide && this.#marks.count <= markColumns && this.#keys.count <= keyColumns) return;
    const resources = Math.max(columns, this.columns.count);
    this.#cluster = this.#cluster.grown(slots, resources, this.#ports.count, this.#marks.count, this.#keys.count);
  }

  /** The mark of the pods that match; a new one is counted on every node at once. */
  #matching(all: readonly PeerSelector[], onlyLiving: boolean): number {
    return this.#counted(this.#marks.matching(all, onlyLiving));
  }

  #counted({ matching, isNew }: { readonly matching: Matching; readonly isNew: boolean }): number {
    const { mark } = matching;
    if (!isNew) return mark;
    this.#makeRoom(0);
    for (const [peer, places] of this.#residents.in(namespacesOf(matching))) {
      if (this.#marks.meets(matching, peer.facts)) for (const [slot, times] of places) this.#cluster.mark(slot, mark, times);
    }
    return mark;
  }

  #kinshipNumber(key: string): number {
    let number = this.#kinshipNumbers.get(key);
    if (number === undefined) {
      number = ++this.#nextKinship;
      remember(this.#kinshipNumbers, key, number, POD_CLASSES_MAX);
    }
    return number;
  }

  #key(topologyKey: string): number {
    const known = this.#keys.column(topologyKey);
    if (known !== undefined) return known;
    const column = this.#keys.add(topologyKey);
    this.#makeRoom(0);
    for (const slot of this.#slotOf.values()) {
      const facts = this.#facts[slot];
      if (facts !== undefined) this.#keys.write(this.#cluster, slot, facts, column);
    }
    return column;
  }

  /** Tells the static classes of one node; where the spread of images changed, classes whose images are about are worked out anew. */
  #staticsChanged(slot: number, facts: NodeFacts | undefined, spreadChanged: boolean): void {
    for (const statics of this.#workedOut) {
      const { images } = statics.facts;
      const spread = spreadChanged && images.some((image) => this.#images.of(image) !== undefined);
      if (spread || !statics.isWorkedOut(this.#cluster.capacity)) {
        statics.forget();
        this.#workedOut.delete(statics);
      } else statics.update(slot, facts, this);
    }
  }
}

/** The name under which a node allocates volumes of a driver: one more than its limit, so that 0 is no limit. */
export function volumeLimit(driver: string): string {
  return `volumes of ${driver}`;
}

/** For each of FIXED_SCORES, USAGE_SCORES and PEER_PLUGINS its weight in the profile; 0 where it does not score such pods. */
function weightsOf({ weights, scoring }: SchedulingProfile, facts: PodFacts, usage: Usage): Int32Array {
  return Int32Array.from([
    ...FIXED_SCORES.map(({ name, weight, fixed }) => (fixed.applies?.(facts) === false ? 0 : (weights[name] ?? weight))),
    ...USAGE_SCORES.map((plugin) => (plugin.usage.applies?.(usage, scoring) === false ? 0 : (weights[plugin.name] ?? plugin.weight))),
    ...PEER_PLUGINS.map(({ name, weight }) => weights[name] ?? weight),
  ]);
}

function remember<V>(map: Map<string, V>, key: string, value: V, most: number): void {
  if (map.size >= most) {
    for (const oldest of map.keys()) {
      map.delete(oldest);
      break;
    }
  }
  map.set(key, value);
}
