import { open } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { basename, dirname } from "node:path";

/**
 * Where the streams of a command can be had: a socket of this machine, and the line to open it with. It is answered with a line of JSON; from there on both
 * sides send frames (frames.ts). As in Kubernetes' Container Runtime Interface the runtime says where, and whoever the streams are for connects: the
 * bytes pass by no actor, and a slow reader holds up its own connection alone.
 */
export interface StreamDoor {
  /** Of a socket in the file system. */
  readonly path: string;
  /** Without its line break. */
  readonly opening: string;
}

/** Whose streams are wanted, and which. */
export type StreamAsked =
  | ({ readonly op: "exec"; readonly command: readonly string[] } & StreamsWanted)
  /** Those of the container's own command. */
  | ({ readonly op: "attach" } & StreamsWanted);

export interface StreamsWanted {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly tty: boolean;
}

/** What the line says that a door is answered with. */
export interface DoorAnswer {
  /** Why there are no streams. */
  readonly failure?: { readonly reason: string; readonly message: string };
}

const LINE_BREAK = "\n";

/** The connection, and what it was answered. Rejects with the system's error, or when it is hung up before. */
export async function openDoor({ path, opening }: StreamDoor): Promise<{ readonly socket: Socket; readonly answer: DoorAnswer }> {
  const socket = await dial(path);
  const answer = await new Promise<DoorAnswer>((resolve, reject) => {
    let text = Buffer.alloc(0);
    const read = (bytes: Buffer): void => {
      text = Buffer.concat([text, bytes]);
      const end = text.indexOf(LINE_BREAK);
      if (end < 0) return;
      socket.off("data", read);
      socket.pause();
      if (end + 1 < text.length) socket.unshift(text.subarray(end + 1));
      resolve(JSON.parse(text.subarray(0, end).toString()) as DoorAnswer);
    };
    socket.on("data", read);
    socket.once("error", reject);
    socket.once("close", () => reject(new Error("it hung up")));
    socket.write(`${opening}${LINE_BREAK}`);
  });
  return { socket, answer };
}

/** Connects to a socket of whatever path: one of more than 107 bytes has to be named by way of its directory. Source: unix(7). */
export async function dial(path: string): Promise<Socket> {
  const directory = await open(dirname(path), "r");
  try {
    const socket = connect(`/proc/self/fd/${directory.fd}/${basename(path)}`);
    await new Promise<void>((resolve, reject) => socket.once("connect", resolve).once("error", reject));
    socket.on("error", () => socket.destroy());
    return socket;
  } finally {
    await directory.close();
  }
}
