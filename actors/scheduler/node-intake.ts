import type { Inventory } from "../../scheduler-core/mod.ts";
import type { CSINode, Node } from "../kinds/generated/types.ts";
import { resourceOf } from "../kinds/kind.ts";
import { CSINodeKind } from "../kinds/storage/csi-node.ts";
import type { Entry } from "../store/view.ts";
import { Attachments } from "./attachments.ts";
import { readNode } from "./facts.ts";
import type { Happened } from "./happened.ts";
import type { Reservation } from "./nominations.ts";
import type { Objects } from "./objects.ts";
import { LENT_NAMES } from "./overcommit.ts";
import type { PodRecord } from "./pod-record.ts";
import type { Roster } from "./roster.ts";
import { limitsOf, replacedOn } from "./volume-limits.ts";

export const CSI_NODES: string = resourceOf(CSINodeKind);

export interface NodeIntakeOptions {
  readonly view: Objects;
  readonly inventory: Inventory;
  readonly roster: Roster<PodRecord | Reservation>;
  readonly happened: Happened;
  /** Gets the nodes that lend and have changed. */
  readonly lenders: Set<string>;
}

/** Takes nodes into the arrays, with what their drivers let them attach and what is attached to them. */
export class NodeIntake {
  readonly #options: NodeIntakeOptions;
  readonly #attachments: Attachments;
  /** By node, all that the scheduler took from it, to see whether an update matters. */
  readonly #readings = new Map<string, string>();
  /** By node, the plugins that drivers have replaced there: by them its pods' volumes are counted. */
  readonly #replaced = new Map<string, string>();

  constructor(options: NodeIntakeOptions) {
    this.#options = options;
    this.#attachments = new Attachments(options.view);
  }

  take(now: Entry | undefined, former: Entry | undefined): void {
    const { view, inventory, roster, happened, lenders } = this.#options;
    if (now === undefined) {
      this.#leave((former?.key ?? "").slice("nodes/".length));
      return;
    }
    const { facts, allocatable: given } = readNode(view.decode<Node>(now));
    const { name } = facts;
    const allocatable = { ...given, ...limitsOf(this.#driversOf(name)) };
    const reading = JSON.stringify([facts, allocatable]);
    if (this.#readings.get(name) === reading) return;
    this.#readings.set(name, reading);
    if (LENT_NAMES.some((lent) => lent in allocatable)) lenders.add(name);
    const known = inventory.slotOf(name);
    const before = known === undefined ? undefined : inventory.factsOf(known);
    const slot = inventory.setNode(facts, allocatable);
    if (known === undefined) {
      this.#setVolumes(name, slot);
      roster.opened(name, slot);
      this.#noteTenants(name, happened.raised);
    }
    happened.nodeTaken(slot, before, facts);
  }

  /** How many volumes a node may attach has changed, or which of them count there. */
  takeDrivers(node: string): void {
    const entry = this.#options.view.entry(`nodes/${node}`);
    if (entry === undefined) return;
    this.take(entry, undefined);
    this.#takeVolumes(node);
  }

  takeAttachment(now: Entry | undefined, before: Entry | undefined): void {
    this.#takeVolumes(this.#attachments.take(now, before));
  }

  /** Volumes are not what they were. */
  rereadVolumes(): void {
    for (const node of [...this.#attachments.nodes]) this.#takeVolumes(node);
  }

  #leave(name: string): void {
    const { inventory, happened } = this.#options;
    const slot = inventory.slotOf(name);
    if (slot === undefined) return;
    happened.nodeGone(slot, inventory.factsOf(slot));
    this.#noteTenants(name, happened.lowered);
    this.#readings.delete(name);
    this.#replaced.delete(name);
    inventory.removeNode(name);
  }

  /** What is attached to a node whoever uses it, and what counts there, is as the view says. */
  #takeVolumes(node: string): void {
    const { inventory, roster, happened } = this.#options;
    const slot = inventory.slotOf(node);
    if (slot === undefined) return;
    if (replacedOn(this.#driversOf(node)).join() === this.#replaced.get(node)) this.#setVolumes(node, slot);
    else roster.recount(node, slot, () => this.#setVolumes(node, slot));
    happened.freed.add(slot);
  }

  #setVolumes(node: string, slot: number): void {
    const replaced = replacedOn(this.#driversOf(node));
    this.#replaced.set(node, replaced.join());
    this.#options.inventory.setVolumes(slot, { attached: this.#attachments.on(node), replaced: new Set(replaced) });
  }

  #driversOf(node: string): CSINode | undefined {
    return this.#options.view.get<CSINode>(`${CSI_NODES}/${node}`);
  }

  /** A node has come or gone, and with it the pods that are on it. */
  #noteTenants(node: string, marks: Set<number>): void {
    const { inventory, roster } = this.#options;
    for (const { peer } of roster.on(node)) if (peer !== undefined) for (const mark of inventory.raisedBy(peer)) marks.add(mark);
  }
}
