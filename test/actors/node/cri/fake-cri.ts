import { appendFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  CONTAINER_STATE,
  type CriReceived,
  type CriSent,
  IMAGE_SERVICE,
  type ImageService,
  RUNTIME_SERVICE,
  type RuntimeService,
  SANDBOX_READY,
} from "../../../../actors/node/cri/messages.ts";
import { type Answers, type Listening, listening, offered, Refused } from "../grpc/socket.ts";

type Mutable<T> = { -readonly [key in keyof T]: T[key] };
type Sandbox = Mutable<CriSent<"PodSandbox">> & { readonly config: CriReceived<"PodSandboxConfig">; readonly handler: string };
type Container = Mutable<CriSent<"ContainerStatus">> & { readonly podSandboxId: string; readonly config: CriReceived<"ContainerConfig"> };

const NOT_READY = 1;
const NS_PER_MS = 1_000_000;

/** A container runtime that runs nothing: it answers as one would, and does what the test tells it to. */
export class FakeCri {
  readonly sandboxes: Map<string, Sandbox> = new Map();
  readonly containers: Map<string, Container> = new Map();
  readonly images: Map<string, Mutable<CriSent<"Image">>> = new Map();
  /** What it was asked that changes something, in order. */
  readonly did: string[] = [];
  /** Answers in place of its own. */
  readonly answers: Mutable<Answers<RuntimeService["messages"], RuntimeService["methods"]>> = {};
  readonly #directory: string = mkdtempSync(join(tmpdir(), "troupe-fake-cri-"));
  #server: Listening | undefined;
  #next = 1;

  get socket(): string {
    return join(this.#directory, "cri.sock");
  }

  /** Also after it went away; what it has stays. */
  async listen(): Promise<void> {
    const own = this.#runtime();
    const methods = Object.keys(RUNTIME_SERVICE.methods) as (keyof RuntimeService["methods"])[];
    const runtime = methods.map((method) => [method, (asked: never, signal: AbortSignal) => this.#answer(own, method, asked, signal)]);
    this.#server = await listening(
      [offered(RUNTIME_SERVICE, Object.fromEntries(runtime)), offered(IMAGE_SERVICE, this.#images())],
      this.socket,
    );
  }

  #answer(
    own: Answers<RuntimeService["messages"], RuntimeService["methods"]>,
    method: keyof RuntimeService["methods"],
    asked: never,
    signal: AbortSignal,
  ): unknown {
    const answer = this.answers[method] ?? own[method];
    if (answer === undefined) throw new Refused("UNIMPLEMENTED", `unknown method ${method}`);
    return answer(asked, signal);
  }

  async goAway(): Promise<void> {
    await this.#server?.close();
    this.#server = undefined;
  }

  async close(): Promise<void> {
    await this.goAway();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  /** A container exits by itself, having printed this. */
  exit(id: string, exitCode: number, reason: string, printed = ""): void {
    const container = this.#container(id);
    if (printed !== "") appendFileSync(container.logPath ?? "", `2026-01-01T00:00:00.000000000Z stdout F ${printed}\n`);
    Object.assign(container, { state: CONTAINER_STATE.exited, exitCode, reason, finishedAt: Date.now() * NS_PER_MS });
  }

  #runtime(): Answers<RuntimeService["messages"], RuntimeService["methods"]> {
    const labelled = (
      labels: Readonly<Record<string, string>> | undefined,
      wanted: Readonly<Record<string, string>> | undefined,
    ): boolean => Object.entries(wanted ?? {}).every(([name, value]) => labels?.[name] === value);
    return {
      Version: () => ({ runtimeName: "fake", runtimeVersion: "1.0", runtimeApiVersion: "v1" }),
      Status: () => ({
        status: {
          conditions: [
            { type: "RuntimeReady", status: true },
            { type: "NetworkReady", status: true },
          ],
        },
      }),
      UpdateRuntimeConfig: () => ({}),
      RunPodSandbox: ({ config, runtimeHandler }) => {
        const id = `sandbox-${this.#next++}`;
        this.did.push(`run ${id}`);
        if (config === null) throw new Refused("INVALID_ARGUMENT", "no config");
        const { metadata, labels } = config;
        const sandbox = { id, metadata: metadata ?? undefined, labels, state: SANDBOX_READY, createdAt: this.#next * NS_PER_MS };
        this.sandboxes.set(id, { ...sandbox, config, handler: runtimeHandler });
        return { podSandboxId: id };
      },
      StopPodSandbox: ({ podSandboxId }) => {
        this.did.push(`stop ${podSandboxId}`);
        this.#sandbox(podSandboxId).state = NOT_READY;
        for (const container of this.containers.values())
          if (container.podSandboxId === podSandboxId && container.state === CONTAINER_STATE.running)
            this.exit(container.id ?? "", 137, "Error");
        return {};
      },
      RemovePodSandbox: ({ podSandboxId }) => {
        this.did.push(`remove ${podSandboxId}`);
        this.sandboxes.delete(podSandboxId);
        return {};
      },
      PodSandboxStatus: ({ podSandboxId }) => {
        const { id, state } = this.#sandbox(podSandboxId);
        return { status: { id, state, network: { ip: "10.0.0.7" } } };
      },
      ListPodSandbox: ({ filter }) => ({
        items: [...this.sandboxes.values()].filter(({ labels }) => labelled(labels, filter?.labelSelector)),
      }),
      CreateContainer: ({ podSandboxId, config }) => {
        const id = `container-${this.#next++}`;
        this.did.push(`create ${id}`);
        if (config === null) throw new Refused("INVALID_ARGUMENT", "no config");
        const { metadata, image, labels, annotations, logPath } = config;
        const directory = this.#sandbox(podSandboxId).config.logDirectory;
        this.containers.set(id, {
          ...{ id, podSandboxId, config, labels, annotations, state: CONTAINER_STATE.created, createdAt: this.#next * NS_PER_MS },
          metadata: metadata ?? undefined,
          image: image ?? undefined,
          imageRef: `ref of ${image?.image}`,
          logPath: join(directory, logPath),
        });
        return { containerId: id };
      },
      StartContainer: ({ containerId }) => {
        this.did.push(`start ${containerId}`);
        Object.assign(this.#container(containerId), { state: CONTAINER_STATE.running, startedAt: Date.now() * NS_PER_MS });
        return {};
      },
      StopContainer: ({ containerId, timeout }) => {
        this.did.push(`stop ${containerId} ${timeout}s`);
        const { state } = this.#container(containerId);
        if (state === CONTAINER_STATE.running || state === CONTAINER_STATE.unknown) this.exit(containerId, 137, "Error");
        return {};
      },
      RemoveContainer: ({ containerId }) => {
        this.did.push(`remove ${containerId}`);
        this.containers.delete(containerId);
        return {};
      },
      ListContainers: ({ filter }) => ({
        containers: [...this.containers.values()].filter(({ labels }) => labelled(labels, filter?.labelSelector)),
      }),
      ContainerStatus: ({ containerId }) => ({ status: this.#container(containerId) }),
      UpdateContainerResources: ({ containerId, linux }) => {
        this.did.push(`update ${containerId} ${linux?.cpuQuota} ${linux?.memoryLimitInBytes}`);
        return {};
      },
      ContainerStats: () => ({ stats: { memory: { workingSetBytes: { value: 1_000 } } } }),
    };
  }

  #images(): Answers<ImageService["messages"], ImageService["methods"]> {
    return {
      ListImages: () => ({ images: [...this.images.values()] }),
      ImageStatus: ({ image }) => ({ image: this.images.get(image?.image ?? "") }),
      PullImage: ({ image, auth }) => {
        this.did.push(`pull ${image?.image} as ${auth?.username ?? "nobody"}`);
        throw new Refused("NOT_FOUND", `failed to pull and unpack image "${image?.image}"`);
      },
    };
  }

  #sandbox(id: string): Sandbox {
    const sandbox = this.sandboxes.get(id);
    if (sandbox === undefined) throw new Refused("NOT_FOUND", `no sandbox ${id}`);
    return sandbox;
  }

  #container(id: string): Container {
    const container = this.containers.get(id);
    if (container === undefined) throw new Refused("NOT_FOUND", `no container ${id}`);
    return container;
  }
}
