import { setTimeout as sleep } from "node:timers/promises";
import type { Api, Json } from "./api.ts";

const POLL_MS = 40;
const OUTCOME = "parity/outcome";
const EXIT_CODE = "parity/exit-code";

/**
 * Plays the kubelets of one namespace as they were played for the recording: bound pods become what their annotation `parity/outcome` says (run,
 * unready, succeed, fail, hang), and those that are told to go are gone.
 */
export class Kubelet {
  readonly #api: Api;
  readonly #pods: string;
  readonly #done: Promise<void>;
  #stopped = false;
  #addresses = 0;

  constructor(api: Api, namespace: string) {
    this.#api = api;
    this.#pods = `/api/v1/namespaces/${namespace}/pods`;
    this.#done = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#done;
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      for (const pod of await this.#api.items(this.#pods)) await this.#step(pod);
      await sleep(POLL_MS);
    }
  }

  async #step(pod: Json): Promise<void> {
    const path = `${this.#pods}/${pod.metadata.name}`;
    if (!pod.spec.nodeName) return;
    if (pod.metadata.deletionTimestamp !== undefined) {
      await this.#api.call({ method: "DELETE", path: `${path}?gracePeriodSeconds=0` });
      return;
    }
    const outcome = pod.metadata.annotations?.[OUTCOME] ?? "run";
    if (pod.status?.phase !== "Pending" || outcome === "hang") return;
    const now = new Date().toISOString().replace(/\.\d+/, "");
    const ip = `10.99.0.${1 + (this.#addresses++ % 250)}`;
    const ended = outcome === "succeed" || outcome === "fail";
    const status = ended ? endedStatus(pod, outcome, now) : runningStatus(pod, outcome === "run", now);
    await this.#api.call({
      method: "PATCH",
      path: `${path}/status`,
      headers: { "content-type": "application/merge-patch+json" },
      body: { status: { ...status, podIP: ip, podIPs: [{ ip }], startTime: now } },
    });
  }
}

function scheduled(pod: Json): Json[] {
  return (pod.status.conditions ?? []).filter(({ type }: Json) => type === "PodScheduled");
}

function runningStatus(pod: Json, isReady: boolean, now: string): object {
  const ready = isReady ? "True" : "False";
  const condition = (type: string, status: string): object => ({ type, status, lastTransitionTime: now });
  return {
    phase: "Running",
    hostIP: "10.98.0.1",
    conditions: [...scheduled(pod), condition("Initialized", "True"), condition("Ready", ready), condition("ContainersReady", ready)],
    containerStatuses: pod.spec.containers.map(({ name, image }: Json) => ({
      name,
      image,
      imageID: "",
      ready: isReady,
      started: true,
      restartCount: 0,
      state: { running: { startedAt: now } },
    })),
  };
}

function endedStatus(pod: Json, outcome: string, now: string): object {
  const exitCode = outcome === "succeed" ? 0 : Number(pod.metadata.annotations[EXIT_CODE] ?? 1);
  const reason = exitCode === 0 ? "Completed" : "Error";
  return {
    phase: outcome === "succeed" ? "Succeeded" : "Failed",
    conditions: [
      ...scheduled(pod),
      { type: "Initialized", status: "True", lastTransitionTime: now },
      { type: "Ready", status: "False", reason: "PodCompleted", lastTransitionTime: now },
    ],
    containerStatuses: pod.spec.containers.map(({ name, image }: Json) => ({
      name,
      image,
      imageID: "",
      ready: false,
      restartCount: 0,
      state: { terminated: { exitCode, reason, startedAt: now, finishedAt: now } },
    })),
  };
}
