import { OwnNetwork } from "./own-network.ts";

/** Machines of a test's own: network namespaces, each with its loopback and one address, on one link as a switch makes it. Takes root, and leaves nothing when they end. */
export class LinkedNetworks {
  readonly machines: readonly OwnNetwork[];
  readonly #switch: OwnNetwork;

  private constructor(link: OwnNetwork, machines: readonly OwnNetwork[]) {
    this.#switch = link;
    this.machines = machines;
  }

  static async make(count: number): Promise<LinkedNetworks> {
    const [link, ...machines] = await Promise.all(Array.from({ length: count + 1 }, () => OwnNetwork.make()));
    const linked = new LinkedNetworks(link as OwnNetwork, machines);
    link?.run("ip", "link", "add", "switch", "type", "bridge");
    link?.run("ip", "link", "set", "switch", "up");
    for (const [index, machine] of machines.entries()) {
      link?.run("ip", "link", "add", `port${index}`, "type", "veth", "peer", "name", "eth0", "netns", String(machine.pid));
      link?.run("ip", "link", "set", `port${index}`, "master", "switch", "up");
      machine.run("ip", "address", "add", `${linked.addressOf(index)}/24`, "dev", "eth0");
      machine.run("ip", "link", "set", "eth0", "up");
    }
    return linked;
  }

  /** Of addresses that are for documentation. */
  addressOf(index: number): string {
    return `192.0.2.${index + 1}`;
  }

  /** Pulls a machine's cable, or plugs it in again. */
  plug(index: number, is: "up" | "down"): void {
    this.#switch.run("ip", "link", "set", `port${index}`, is);
  }

  end(): void {
    for (const one of [...this.machines, this.#switch]) one.end();
  }
}
