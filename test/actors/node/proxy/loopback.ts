import { createSocket, type Socket as UdpSocket } from "node:dgram";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import type { Target } from "../../../../actors/node/proxy/forwarding.ts";

/** Real listeners on loopback, each behind an address of its own. */
export interface Backend extends Target {
  readonly connections: readonly Socket[];
  close(): Promise<void>;
}

/** Says its name to whoever connects, then gives back what it gets; when its client has ended its half, it says `bye` and ends its own. */
export async function tcpBackend(address: string, name: string): Promise<Backend> {
  const connections: Socket[] = [];
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    connections.push(socket);
    socket.on("error", () => {});
    socket.write(`${name} ${socket.remoteAddress}\n`);
    socket.on("data", (chunk) => socket.write(chunk));
    socket.on("end", () => socket.end("bye"));
  });
  server.listen(0, address);
  await once(server, "listening");
  const close = async (): Promise<void> => {
    for (const socket of connections) socket.destroy();
    server.close();
    await once(server, "close");
  };
  return { address, port: (server.address() as AddressInfo).port, connections, close };
}

/** Answers each datagram with its name and the datagram. */
export async function udpBackend(address: string, name: string): Promise<Target & { close(): Promise<void> }> {
  const socket: UdpSocket = createSocket("udp4");
  socket.on("message", (datagram, from) => socket.send(`${name}:${datagram}`, from.port, from.address));
  socket.bind(0, address);
  await once(socket, "listening");
  return {
    address,
    port: socket.address().port,
    close: async () => {
      socket.close();
      await once(socket, "close");
    },
  };
}

/** A port of the address that nobody listens on now. */
export async function freePortOf(address: string): Promise<number> {
  const { port, close } = await tcpBackend(address, "");
  await close();
  return port;
}

/** Connects once somebody listens; how often it is tried is bounded. */
export async function dial(to: Target, localAddress?: string): Promise<Socket> {
  for (let tried = 0; ; tried++) {
    const socket = connect({
      host: to.address,
      port: to.port,
      allowHalfOpen: true,
      ...(localAddress === undefined ? {} : { localAddress }),
    });
    try {
      await once(socket, "connect");
      return socket;
    } catch (error) {
      if (tried >= 500) throw error;
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }
}

/** What comes until a line has ended. */
export async function lineOf(socket: Socket): Promise<string> {
  let text = "";
  while (!text.endsWith("\n")) {
    const [chunk] = (await once(socket, "data")) as [Buffer];
    text += chunk.toString();
  }
  return text.trim();
}

/** All that comes until the other side has ended. Rejects when it broke off. */
export async function restOf(socket: Socket): Promise<string> {
  let text = "";
  for await (const chunk of socket) text += String(chunk);
  return text;
}
