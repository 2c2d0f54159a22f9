import type { ListenOptions, Server } from "node:net";

/** Resolves when the server listens; rejects with the system's error. */
export function listen(server: Server, at: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(at, () => {
      server.off("error", reject);
      // Out of file descriptors for a moment: the next who comes may be luckier.
      server.on("error", () => {});
      resolve();
    });
  });
}
