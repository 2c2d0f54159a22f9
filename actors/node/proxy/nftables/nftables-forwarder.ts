import type { Clock, Timer } from "../../../../runtime/mod.ts";
import type { Key } from "../../../store/transaction.ts";
import type { Forwarder, ForwarderReport, PortForwarding, ServiceForwarding } from "../forwarding.ts";
import type { UserspaceForwarder } from "../userspace/userspace-forwarder.ts";
import { applied, forgetFlows, type Nftables, removeTable } from "./nft.ts";
import { emptyTable, type Flow, type KernelRules, kernelRules, NO_RULES } from "./ruleset.ts";
import { type RulesChange, transactionOf } from "./transaction.ts";

/** What comes together is told the kernel together. */
const GATHER_MS = 5;
/** What a killed Troupe left leads on until this one knows of most that there is. */
const TAKE_OVER_MS = 250;
/** Kernels before 6.2 know after this that nothing leads to a chain. */
const CHAIN_REST_MS = 1_000;
/** Rules that the kernel did not take are tried again, at first and at last. */
const AGAIN_MS = 1_000;
const AGAIN_MAX_MS = 30_000;

export interface NftablesForwarderOptions {
  readonly clock: Clock;
  readonly nftables: Nftables;
  /** Makes the one whose doors clients come to whom the kernel leads nowhere; it calls `opened` when a door of a service has opened. */
  readonly userspace: (opened: (service: Key) => void) => UserspaceForwarder;
  readonly report: (report: ForwarderReport) => void;
}

/**
 * Lets the kernel forward what it can, in front of a userspace proxy that is there as it would be without. A place is led from only while a door of ours is open there: so nobody is robbed who
 * listens there, another cluster for one; and whom the kernel leads nowhere, for want of endpoints, of rights to come in, or because it does not take the rules, finds what he would find anyway.
 */
export class NftablesForwarder implements Forwarder {
  readonly #options: NftablesForwarderOptions;
  readonly #userspace: UserspaceForwarder;
  readonly #wanted = new Map<Key, ServiceForwarding>();
  /** What the kernel has; undefined: nobody knows, since it is somebody else's or a command has failed. */
  #installed: Map<Key, KernelRules> | undefined;
  /** Services that have to be looked at. */
  readonly #changed = new Set<Key>();
  /** Chains with nothing in them, with when they were emptied. */
  readonly #emptied = new Map<string, number>();
  #timer: Timer | undefined;
  /** When the timer ends. */
  #due_ms = 0;
  #notBefore_ms: number;
  #syncing: Promise<void> | undefined;
  #again_ms = AGAIN_MS;
  #told = "";
  #isClosed = false;

  constructor(options: NftablesForwarderOptions) {
    this.#options = options;
    this.#userspace = options.userspace((service) => this.#touch(service));
    this.#notBefore_ms = options.clock.monotonic_ms() + TAKE_OVER_MS;
    this.#syncIn(0);
  }

  apply(service: Key, forwarding: ServiceForwarding | undefined): void {
    if (forwarding === undefined) this.#wanted.delete(service);
    else this.#wanted.set(service, forwarding);
    this.#userspace.apply(service, forwarding);
    this.#touch(service);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    await this.#syncing;
    await removeTable(this.#options.nftables).catch((error: Error) => this.#tell(error.message));
    await this.#userspace.close();
  }

  #touch(service: Key): void {
    this.#changed.add(service);
    this.#syncIn(GATHER_MS);
  }

  /** What comes while the kernel is told goes right after it. */
  #syncIn(wait_ms: number): void {
    if (this.#isClosed || this.#syncing !== undefined) return;
    const { clock } = this.#options;
    const now_ms = clock.monotonic_ms();
    const due_ms = Math.max(now_ms + wait_ms, this.#notBefore_ms);
    if (this.#timer !== undefined && this.#due_ms <= due_ms) return;
    this.#timer?.cancel();
    this.#due_ms = due_ms;
    this.#timer = clock.after(due_ms - now_ms, () => {
      this.#timer = undefined;
      this.#syncing = this.#sync().then((next_ms) => {
        this.#syncing = undefined;
        if (next_ms !== undefined) this.#syncIn(next_ms);
      });
    });
  }

  /** Tells the kernel what has changed; when to come again, if need be. */
  async #sync(): Promise<number | undefined> {
    const { nftables, clock } = this.#options;
    const now_ms = clock.monotonic_ms();
    const rested = [...this.#emptied].filter(([, since_ms]) => now_ms - since_ms >= CHAIN_REST_MS).map(([chain]) => chain);
    const known = this.#installed;
    const services = known === undefined ? [...this.#wanted.keys()] : [...this.#changed];
    this.#changed.clear();
    const next = new Map(services.map((service) => [service, this.#rulesOf(service)] as const));
    const changes = [...next].map(([service, after]): RulesChange => ({ before: known?.get(service) ?? NO_RULES, after }));
    const { commands, emptied } = transactionOf(nftables.table, changes);
    const away = rested.map((chain) => `delete chain ip ${nftables.table} ${chain}`);
    try {
      const before = known === undefined ? emptyTable(nftables.table, nftables.directory) : away;
      if (before.length > 0 || commands.length > 0) await applied(nftables, [...before, ...commands]);
    } catch (error) {
      return this.#failed(error as Error);
    }
    this.#again_ms = AGAIN_MS;
    this.#told = "";
    const installed = known ?? new Map<Key, KernelRules>();
    for (const [service, rules] of next) {
      if (rules.chains.size === 0) installed.delete(service);
      else installed.set(service, rules);
    }
    this.#installed = installed;
    for (const chain of rested) this.#emptied.delete(chain);
    for (const { after } of changes) for (const chain of after.chains.keys()) this.#emptied.delete(chain);
    for (const chain of emptied) this.#emptied.set(chain, now_ms);
    await forgetFlows(nftables, changes.flatMap(endedFlows));
    if (this.#changed.size > 0) return GATHER_MS;
    return this.#emptied.size > 0 ? CHAIN_REST_MS : undefined;
  }

  #rulesOf(service: Key): KernelRules {
    const { nftables } = this.#options;
    const isTaken = ({ protocol }: PortForwarding): boolean => protocol === "TCP" || nftables.conntrack !== undefined;
    return kernelRules(
      service,
      this.#wanted.get(service),
      (port, entrance) => isTaken(port) && this.#userspace.isOpen(service, port, entrance),
    );
  }

  /** Old rules would lead to endpoints that are gone: rather none, and who comes finds the doors. A table without rules keeps connections that stand where they are. */
  async #failed(error: Error): Promise<number> {
    this.#installed = undefined;
    this.#emptied.clear();
    this.#tell(error.message);
    const { nftables } = this.#options;
    await applied(nftables, emptyTable(nftables.table, nftables.directory)).catch(() => removeTable(nftables).catch(() => {}));
    this.#notBefore_ms = this.#options.clock.monotonic_ms() + this.#again_ms;
    this.#again_ms = Math.min(2 * this.#again_ms, AGAIN_MAX_MS);
    return 0;
  }

  /** Once for each trouble. */
  #tell(error: string): void {
    if (error === this.#told) return;
    this.#told = error;
    this.#options.report({ type: "rulesRefused", error });
  }
}

/** Those whose datagrams are to go elsewhere from now on. */
function endedFlows({ before, after }: RulesChange): readonly Flow[] {
  const kept = new Set(after.flows.map(flowId));
  return before.flows.filter((flow) => !kept.has(flowId(flow)));
}

function flowId({ entrance, target }: Flow): string {
  return `${entrance.address}:${entrance.port} ${target.address}:${target.port}`;
}
