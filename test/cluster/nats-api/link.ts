import { connect, createServer, type Socket } from "node:net";

/** A way to a port on loopback that can be cut. */
export interface Link {
  readonly port: number;
  /** Nothing gets through, in either direction, until it is mended. */
  cut(): void;
  mend(): void;
  close(): Promise<void>;
}

export async function linkTo(port: number): Promise<Link> {
  const sockets = new Set<Socket>();
  let broken = false;
  const end = (): void => {
    for (const socket of sockets) socket.destroy();
    sockets.clear();
  };
  const server = createServer((near) => {
    if (broken) {
      near.destroy();
      return;
    }
    const far = connect(port, "127.0.0.1");
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one);
      one.pipe(other);
      one.on("error", () => {});
      one.on("close", () => other.destroy());
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    cut: () => {
      broken = true;
      end();
    },
    mend: () => {
      broken = false;
    },
    close: async () => {
      end();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
