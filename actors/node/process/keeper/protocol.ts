import type { ResourceRequirements } from "../../../kinds/generated/types.ts";
import type { ControlGroup } from "../../cgroups/control-group.ts";
import type { ContainerObserved } from "../../container-runtime.ts";
import type { StreamAsked } from "../../streaming/stream-door.ts";
import type { TerminalTools } from "./terminal.ts";

/**
 * What Troupe and the keeper of its processes say to each other, over a socket in the data directory: lines of JSON. A question is answered under
 * its id; what happens to containers is told to all who are connected. A connection that has asked to `exec` or `attach` carries frames from the answer on
 * (streaming/frames.ts).
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
  /** It is held to this now: to be remembered with it. */
  | { readonly op: "resized"; readonly container: string; readonly resources: ResourceRequirements }
  /** Ends all processes of a pod and forgets it; its files stay. */
  | { readonly op: "removePod"; readonly uid: string }
  /** A command in the container's surroundings, or its own command's streams. */
  | (StreamAsked & { readonly container: string })
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

/** In place of the command it is passed the path of a file, in which that is written down as the arguments of the `process` of the OCI runtime specification. */
export interface EnterTerminal extends Command {
  readonly process: Readonly<Record<string, unknown>>;
}

/** A container as the keeper gets it. */
export interface KeptSpec {
  readonly observed: ContainerObserved;
  readonly uid: string;
  /** Its own directory. */
  readonly directory: string;
  /**
   * What is run. It says on file descriptor 3 what it cannot do, or sends an empty line there when all is done and the container's own command begins. A line
   * of JSON before that, with a `pid`, says that this is a process of its own.
   */
  readonly launch: Command;
  /** What is run to run something beside it: `%p` in its arguments is the container's process. */
  readonly enter: Command;
  /** The same in a terminal; absent: as without. */
  readonly enterTerminal?: EnterTerminal;
  /** What it is in, by itself; absent: it has no control group of its own. */
  readonly cgroup?: ControlGroup;
  /** A file that says why it did not begin, where nobody has said so. */
  readonly errorLog?: string;
  /** Run when it has ended. */
  readonly cleanUp?: Command;
  readonly stdin: boolean;
  /** Its input ends with the first who is attached to it. */
  readonly stdinOnce: boolean;
  readonly tty: boolean;
  readonly terminal: TerminalTools;
  /** What asks it to end. */
  readonly stopSignal: NodeJS.Signals;
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
  /** Absent: of a keeper that is older than that was told. */
  readonly processes?: number;
}

/** The file names in the keeper's directory. */
export const SOCKET_FILE = "keeper.sock";
