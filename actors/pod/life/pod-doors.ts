import type { ContainerRuntime } from "../../node/container-runtime.ts";
import { type LogAsked, type LogChunk, readLog } from "../../node/logs/read-log.ts";
import type { StreamAsked, StreamDoor } from "../../node/streaming/stream-door.ts";
import type { Key } from "../../store/transaction.ts";
import { newestOf } from "./pod-containers.ts";
import type { PodRecord } from "./pod-record.ts";

const NOT_HERE = "the pod is not here, or not yet";

/** What others may look into of one pod: what its containers print, streams of what runs in them, its ports. `key`: who is meant, for a mirror may say that it is another's. */
export class PodDoors {
  readonly #uid: string;
  readonly #record: PodRecord;
  readonly #runtime: ContainerRuntime;

  constructor(uid: string, record: PodRecord, runtime: ContainerRuntime) {
    this.#uid = uid;
    this.#record = record;
    this.#runtime = runtime;
  }

  async log(key: Key, id: string, asked: LogAsked): Promise<LogChunk> {
    this.#check(key);
    const { containers } = await this.#runtime.observe(this.#uid);
    const run = containers.find((container) => container.id === id);
    if (run === undefined) throw new Error(`the log of container ${id} is gone`);
    return readLog(run.logPath, asked, run.state === "exited");
  }

  /** Source for its words: kubelet's GetExec. */
  async stream(key: Key, name: string, asked: StreamAsked): Promise<StreamDoor> {
    this.#check(key);
    const run = newestOf(await this.#runtime.observe(this.#uid), name);
    if (run?.state !== "running") throw new Error(`container not found (${JSON.stringify(name)})`);
    return this.#runtime.stream(run.id, asked);
  }

  /** Null where its address is the way. What listens on the machine's loopback address is not for everybody who may forward ports of a pod that shares it. */
  async port(key: Key, port: number): Promise<StreamDoor | null> {
    this.#check(key);
    if (this.#runtime.port === undefined || this.#record.pod?.spec.hostNetwork === true) return null;
    const [sandbox] = (await this.#runtime.observe(this.#uid)).sandboxes;
    if (sandbox?.ready !== true) throw new Error("pod is not running");
    return this.#runtime.port(sandbox.id, port);
  }

  #check(key: Key): void {
    if (this.#record.key !== key) throw new Error(NOT_HERE);
  }
}
