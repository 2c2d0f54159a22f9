import {
  type Address,
  type AskFailed,
  addressOf,
  Host,
  type LoopbackNetwork,
  loopbackNetwork,
  Membership,
  type MembershipOptions,
  memoryRegisters,
  type Registers,
  type RegistersWatcher,
  seededRandom,
  type VirtualClock,
  virtualClock,
} from "../../../runtime/mod.ts";
import { kindOf, type Line, recordingLog } from "../stage.ts";

export type Count = { type: "count" } | { type: "hold"; until: Promise<void> } | { type: "never" };

/** One turn of an actor, as it was at its beginning. */
export interface Turn {
  readonly address: Address;
  readonly host: string;
  readonly epoch: number;
  readonly at_ms: number;
}

/** A switch between one host and the shared registers. */
class Wire implements Registers {
  readonly #registers: Registers;
  readonly #lag: number;
  readonly #watchers = new Map<RegistersWatcher, () => void>();
  #cut = false;

  /** `lag`: news of the registers comes so many turns of the event loop late. */
  constructor(registers: Registers, lag: number) {
    this.#registers = registers;
    this.#lag = lag;
  }

  write(register: string, value: unknown, expected: number): Promise<boolean> {
    return this.#cut ? Promise.reject(new Error("cut off")) : this.#registers.write(register, value, expected);
  }

  watch(real: RegistersWatcher): () => void {
    // As news from a server: not in the turn of the event loop in which it was written, and not ahead of what was sent before.
    const watcher: RegistersWatcher = {
      changed: (entry) => afterTurns(1 + this.#lag, () => this.#watchers.has(watcher) && !this.#cut && real.changed(entry)),
      current: () => void setImmediate(() => real.current()),
    };
    this.#watchers.set(watcher, this.#cut ? () => {} : this.#registers.watch(watcher));
    return () => {
      this.#watchers.get(watcher)?.();
      this.#watchers.delete(watcher);
    };
  }

  cut(off: boolean): void {
    this.#cut = off;
    for (const [watcher, end] of this.#watchers) {
      end();
      this.#watchers.set(watcher, off ? () => {} : this.#registers.watch(watcher));
    }
  }
}

function afterTurns(count: number, then: () => void): void {
  setImmediate(() => (count > 1 ? afterTurns(count - 1, then) : then()));
}

export interface Node {
  readonly name: string;
  readonly host: Host;
  readonly membership: Membership;
  readonly lines: readonly Line[];
  /** What a counting actor answers, or the code with which the ask ended. */
  ask(to: Address, message?: Count): Promise<{ count: number; host: string } | string>;
  /** Takes both the registers and the network from the host, or gives them back. */
  cut(off: boolean): void;
}

export interface Cluster {
  readonly clock: VirtualClock;
  readonly network: LoopbackNetwork;
  /** Of all hosts. */
  readonly turns: Turn[];
  /** `lag`: see Wire. */
  add(name: string, options?: Partial<MembershipOptions> & { readonly lag?: number }): Node;
}

/** Hosts in one process on one virtual clock, which offer counting actors and write down every turn. */
export function cluster(): Cluster {
  const random = seededRandom(7);
  const clock: VirtualClock = virtualClock();
  const network = loopbackNetwork();
  const registers = memoryRegisters();
  const turns: Turn[] = [];

  function add(name: string, { lag = 0, ...options }: Partial<MembershipOptions> & { readonly lag?: number } = {}): Node {
    const { log, lines } = recordingLog();
    const wire = new Wire(registers, lag);
    const membership = new Membership({ host: name, kinds: ["count"], registers: wire, clock, random, log, ...options });
    const host = new Host({ name, clock, random, log, membership, transport: network.join(name) });
    host.register(
      kindOf<Count>("count", (context) => {
        let count = 0;
        return async (message, sender) => {
          turns.push({ address: context.self, host: name, epoch: context.epoch, at_ms: clock.monotonic_ms() });
          count += 1;
          if (message.type === "hold") await message.until;
          if (message.type === "never") await new Promise(() => {});
          sender.answer({ count, host: name });
        };
      }),
    );
    const ask: Node["ask"] = (to, message = { type: "count" }) =>
      host.messenger.ask<{ count: number; host: string }>(to, message).catch((error: AskFailed) => error.code);
    const cut = (off: boolean): void => {
      wire.cut(off);
      network.cut(name, off);
    };
    return { name, host, membership, lines, ask, cut };
  }

  return { clock, network, turns, add };
}

export const addresses: readonly Address[] = Array.from({ length: 60 }, (_, index) => addressOf("count", `a${index}`));

/** Who has which of these addresses, and that nobody shares one. */
export function placesOf(nodes: readonly Node[]): Map<Address, string> {
  const places = new Map<Address, string>();
  for (const { name, host } of nodes) {
    for (const address of host.addresses()) {
      if (places.has(address)) throw new Error(`${address} is active on ${places.get(address)} and on ${name}`);
      places.set(address, name);
    }
  }
  return places;
}
