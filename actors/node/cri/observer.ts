import type { ResourceRequirements } from "../../kinds/generated/types.ts";
import type { ContainerObserved, PodObserved } from "../container-runtime.ts";
import { terminationMessage } from "../logs/termination-message.ts";
import { terminationFileIn } from "./container-mounts.ts";
import { ASK_MS, type CriWorld } from "./cri-world.ts";
import { failedAs, unlessGone } from "./failure.ts";
import { CONTAINER_STATE, type CriReceived } from "./messages.ts";
import { ANNOTATION, LABEL, sandboxName } from "./names.ts";
import { containerObserved, fallsBackToLog, sandboxObserved } from "./observed.ts";

export type ContainerStatus = CriReceived<"ContainerStatus">;

/** That the kernel has killed for want of memory a runtime may say a moment after the end. */
const SETTLED_MS = 10_000;

const newestFirst = (a: { readonly createdAt: number }, b: { readonly createdAt: number }): number => b.createdAt - a.createdAt;

/** Looks at what the runtime has of pods. Throws RuntimeFailure of the reason `RuntimeUnavailable` where it does not say. Source: kubelet's GetPodStatus. */
export class CriObserver {
  readonly #world: CriWorld;
  /** Containers of each pod that is looked at again and again which have exited: nothing about them changes any more. */
  readonly #exited = new Map<string, ReadonlyMap<string, ContainerObserved>>();

  constructor(world: CriWorld) {
    this.#world = world;
  }

  /** `isRemembered`: it will be asked again, and is told when not: `forget`. */
  async observe(uid: string, isRemembered: boolean): Promise<PodObserved> {
    const { sandboxes, containers } = await this.list({ [LABEL.podUid]: uid });
    const [newest] = sandboxes;
    const address = newest === undefined ? "" : await this.addressOf(uid, newest.id);
    const before = this.#exited.get(uid);
    const runs = await Promise.all(
      containers.map(async (container) => before?.get(container.id) ?? (await this.#observed(uid, container))),
    );
    // One that was removed meanwhile is not there.
    const there = runs.filter((run) => run !== undefined);
    const settled_ms = this.#world.clock.now_ms() - SETTLED_MS;
    const exited = there.filter(({ state, finishedAt_ms }) => state === "exited" && finishedAt_ms < settled_ms);
    if (isRemembered) this.#exited.set(uid, new Map(exited.map((run) => [run.id, run])));
    return { sandboxes: sandboxes.map((sandbox) => sandboxObserved(sandbox, sandbox === newest ? address : "")), containers: there };
  }

  forget(uid: string): void {
    this.#exited.delete(uid);
  }

  /** Of the pods that are its own, with these labels; the newest first. */
  async list(labels: Readonly<Record<string, string>>): Promise<{
    readonly sandboxes: readonly CriReceived<"PodSandbox">[];
    readonly containers: readonly CriReceived<"Container">[];
  }> {
    const { runtime, owner, closed } = this.#world;
    const filter = { labelSelector: { ...labels, [LABEL.owner]: owner } };
    const [{ items }, { containers }] = await Promise.all([
      runtime.call("ListPodSandbox", { filter }, ASK_MS, closed),
      runtime.call("ListContainers", { filter }, ASK_MS, closed),
    ]).catch(failedAs("RuntimeUnavailable"));
    return { sandboxes: items.toSorted(newestFirst), containers: containers.toSorted(newestFirst) };
  }

  /** Undefined: it is gone. */
  async statusOf(containerId: string): Promise<ContainerStatus | undefined> {
    const { runtime, closed } = this.#world;
    const answer = await runtime
      .call("ContainerStatus", { containerId }, ASK_MS, closed)
      .catch(unlessGone)
      .catch(failedAs("RuntimeUnavailable"));
    return answer?.status ?? undefined;
  }

  /** A pod that is in the machine's network has its node's, which the runtime does not say. */
  async addressOf(uid: string, podSandboxId: string): Promise<string> {
    const { runtime, files, closed } = this.#world;
    const answer = await runtime
      .call("PodSandboxStatus", { podSandboxId }, ASK_MS, closed)
      .catch(unlessGone)
      .catch(failedAs("RuntimeUnavailable"));
    const { ip } = answer?.status?.network ?? { ip: "" };
    return ip === "" ? ((await files.sandbox(uid))?.address ?? "") : ip;
  }

  async #observed(uid: string, { id, podSandboxId }: CriReceived<"Container">): Promise<ContainerObserved | undefined> {
    const status = await this.#knownStatus(id);
    if (status === undefined) return undefined;
    const { files } = this.#world;
    const run = runOf(status);
    const made = status.annotations[ANNOTATION.resources] ?? "{}";
    const resources = (await files.resources(uid, run)) ?? (JSON.parse(made) as ResourceRequirements);
    const { state, logPath, exitCode } = status;
    const file = terminationFileIn(files.containerDirectory(uid, run));
    const message = state === CONTAINER_STATE.exited ? await terminationMessage(file, logPath, exitCode, fallsBackToLog(status)) : "";
    return containerObserved(status, sandboxName(uid, podSandboxId), resources, message);
  }

  /** Of what the runtime has lost sight of it may run still, and another one is to take its place: it is ended first. */
  async #knownStatus(containerId: string): Promise<ContainerStatus | undefined> {
    const status = await this.statusOf(containerId);
    if (status?.state !== CONTAINER_STATE.unknown) return status;
    const { runtime, closed } = this.#world;
    await runtime
      .call("StopContainer", { containerId, timeout: 0 }, ASK_MS, closed)
      .catch(unlessGone)
      .catch(failedAs("RuntimeUnavailable"));
    return this.statusOf(containerId);
  }
}

/** Which run of which container it is. */
export function runOf({ metadata }: Pick<ContainerStatus, "metadata">): { readonly name: string; readonly attempt: number } {
  return { name: metadata?.name ?? "", attempt: metadata?.attempt ?? 0 };
}
