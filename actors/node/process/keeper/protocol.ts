import type { ContainerObserved } from "../../container-runtime.ts";

/**
 * What Troupe and the keeper of its processes say to each other, over a socket in the data directory: lines of JSON. A question is answered under
 * its id; what happens to containers is told to all who are connected. A connection that has asked to `exec` carries frames from the answer on.
 */
export type ToKeeper =
  /** Answered with all ContainerObserved of the pod. */
  | { readonly op: "observe"; readonly uid: string }
  /** Answered with the UIDs of all pods that it keeps something of. */
  | { readonly op: "pods" }
  | { readonly op: "create"; readonly container: KeptSpec }
  /** Answered when the container's own command runs. */
  | { readonly op: "start"; readonly container: string }
  /** Answered when it has ended. */
  | { readonly op: "stop"; readonly container: string; readonly grace_ms: number }
  | { readonly op: "remove"; readonly container: string }
  /** Ends all processes of a pod and forgets it; its files stay. */
  | { readonly op: "removePod"; readonly uid: string }
  | { readonly op: "exec"; readonly container: string; readonly command: readonly string[]; readonly stdin: boolean }
  /** Answered with KeptUsage[]: what the containers that run have used so far. */
  | { readonly op: "usage" }
  /** Ends all processes, and itself. */
  | { readonly op: "end" };

export type Asked = ToKeeper & { readonly id: number };

export type FromKeeper =
  | { readonly id: number; readonly answer: unknown }
  | { readonly id: number; readonly failure: { readonly reason: string; readonly message: string } }
  /** Containers of this pod have changed. */
  | { readonly changed: string };

/** A program to run: nothing of Troupe's or the keeper's environment comes with it. */
export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
}

/** A container as the keeper gets it. */
export interface KeptSpec {
  readonly observed: ContainerObserved;
  readonly uid: string;
  /** Its own directory. */
  readonly directory: string;
  /** What is run. It says on file descriptor 3 what it cannot do, and closes it when all is done and the container's own command begins. */
  readonly launch: Command;
  /** What is run to run something beside it: `%p` in its arguments is the container's process. */
  readonly enter: Command;
  readonly stdin: boolean;
  /** On the machine. */
  readonly terminationFile: string;
  readonly fallsBackToLog: boolean;
}

export interface KeptUsage {
  readonly container: string;
  readonly name: string;
  /** Of processors, since it started. */
  readonly cpu_ms: number;
  readonly memory_bytes: number;
}

/** The file names in the keeper's directory. */
export const SOCKET_FILE = "keeper.sock";

/** Frames of an exec: a byte for the channel, four for the length, then so much. The channels are those of Kubernetes' remote commands. */
export const CHANNEL = { stdin: 0, stdout: 1, stderr: 2, status: 3, resize: 4, close: 255 } as const;
const HEAD_BYTES = 5;

export function frame(channel: number, payload: Uint8Array): Buffer {
  const head = Buffer.allocUnsafe(HEAD_BYTES);
  head.writeUInt8(channel, 0);
  head.writeUInt32BE(payload.length, 1);
  return Buffer.concat([head, payload]);
}

/** Cuts what comes over a connection into frames. */
export class Frames {
  #rest: Buffer = Buffer.alloc(0);

  *take(bytes: Buffer): Generator<{ readonly channel: number; readonly payload: Buffer }> {
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    while (this.#rest.length >= HEAD_BYTES) {
      const end = HEAD_BYTES + this.#rest.readUInt32BE(1);
      if (this.#rest.length < end) return;
      const channel = this.#rest.readUInt8(0);
      const payload = this.#rest.subarray(HEAD_BYTES, end);
      this.#rest = this.#rest.subarray(end);
      yield { channel, payload };
    }
  }
}
