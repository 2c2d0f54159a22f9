/** What acts in a network namespace for a test: it does what it is told by messages, one after another, and answers each. */
import { createSocket, type Socket as UdpSocket } from "node:dgram";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type { ForwarderReport, ServiceForwarding, Target } from "../../../../../actors/node/proxy/forwarding.ts";
import { findNftables } from "../../../../../actors/node/proxy/nftables/nft.ts";
import { NftablesForwarder } from "../../../../../actors/node/proxy/nftables/nftables-forwarder.ts";
import { UserspaceForwarder } from "../../../../../actors/node/proxy/userspace/userspace-forwarder.ts";
import { seededRandom, systemClock } from "../../../../../runtime/mod.ts";
import { lineOf, tcpBackend, udpBackend } from "../loopback.ts";

export interface Deeds {
  /** A server that says its name and who comes; where it listens. */
  serve(protocol: "TCP" | "UDP", address: string, name: string): Target;
  /** What who listens there says to a new connection from an address; the system's word where nobody does. */
  ask(to: Target, from?: string): string;
  /** A datagram of a client that stays the same one, and what is answered within a while. */
  send(to: Target, text: string): string;
  /** A connection that stays, and what it is told first. */
  hold(to: Target): string;
  /** What comes back of a word on the connection that stays. */
  say(text: string): string;
  /** Begins to forward, as the cluster of a data directory. */
  begin(directory: string): readonly string[];
  apply(forwarding: ServiceForwarding | undefined): void;
  reports(): readonly string[];
  end(): void;
}

const ANSWER_MS = 300;
const CONNECT_MS = 5_000;
const clock = systemClock();
const reports: string[] = [];
let forwarder: NftablesForwarder | undefined;
let held: Socket | undefined;
let client: UdpSocket | undefined;

const deeds: { readonly [Name in keyof Deeds]: (...args: Parameters<Deeds[Name]>) => Promise<ReturnType<Deeds[Name]>> } = {
  async serve(protocol, address, name) {
    const { port } = await (protocol === "TCP" ? tcpBackend(address, name) : udpBackend(address, name));
    return { address, port };
  },
  async ask({ address, port }, from) {
    const socket = connect({ host: address, port, ...(from === undefined ? {} : { localAddress: from }) });
    const said = await told(socket);
    socket.destroy();
    return said;
  },
  async send({ address, port }, text) {
    if (client === undefined) {
      client = createSocket("udp4");
      client.on("error", () => {});
      client.bind(0);
      await once(client, "listening");
    }
    client.send(text, port, address);
    const [answer] = await Promise.race([
      once(client, "message"),
      new Promise<[string]>((resolve) => clock.after(ANSWER_MS, () => resolve(["silence"]))),
    ]);
    return String(answer);
  },
  async hold({ address, port }) {
    held = connect({ host: address, port });
    return told(held);
  },
  async say(text) {
    held?.write(`${text}\n`);
    return held === undefined ? "" : told(held);
  },
  async begin(directory) {
    const nftables = await findNftables(directory);
    forwarder = new NftablesForwarder({
      clock,
      nftables,
      userspace: (opened) => new UserspaceForwarder(clock, seededRandom(1), tell, opened),
      report: tell,
    });
    return nftables.wants;
  },
  async apply(forwarding) {
    forwarder?.apply("services/d/web", forwarding);
  },
  async reports() {
    return reports;
  },
  async end() {
    await forwarder?.close();
  },
};

/** The next line, or why there is none. */
function told(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    socket.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? String(error)));
    socket.once("close", () => resolve("closed"));
    lineOf(socket).then(resolve, () => {});
    clock.after(CONNECT_MS, () => resolve("silence"));
  });
}

function tell(report: ForwarderReport): void {
  reports.push(report.type === "cannotListen" ? `${report.address}:${report.port} ${report.code}` : report.error);
}

let turn: Promise<unknown> = Promise.resolve();
process.on("message", ({ id, name, args }: { readonly id: number; readonly name: keyof Deeds; readonly args: never }) => {
  const deed = deeds[name] as (...args: readonly unknown[]) => Promise<unknown>;
  turn = turn
    .then(() => deed(...(args as readonly unknown[])))
    .then(
      (value) => process.send?.({ id, value }),
      (error: unknown) => process.send?.({ id, error: String(error) }),
    );
});
process.on("disconnect", () => process.exit());
process.send?.({ id: 0 });
