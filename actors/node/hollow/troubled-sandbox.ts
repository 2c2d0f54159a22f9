import type { Timer } from "../../../runtime/mod.ts";
import type { Pod } from "../../kinds/generated/types.ts";
import type { PodSandbox, Reporter } from "../runtime.ts";
import { backOff_ms, goSeconds } from "./back-off.ts";
import type { PodBehaviour } from "./pod-behaviour.ts";
import type { HollowWorld } from "./world.ts";

/** Between a failure and kubelet's next look at the pod, when it says that it backs off; it is in no hurry, hollow nodes are in some. */
const LOOK_AGAIN_MS = 1_000;

interface Container {
  readonly name: string;
  readonly image: string;
}

interface TroubledPod {
  readonly world: HollowWorld;
  readonly pod: Pod;
  readonly behaviour: PodBehaviour;
  readonly to: Reporter;
  readonly adopted: boolean;
}

/**
 * The containers of a pod that something befalls, all alike: images that cannot be pulled, a start that takes its time, readiness that comes late or never, runs
 * that fail and are started again with kubelet's back-off. It reports what a kubelet would see, with the Events that a kubelet writes.
 * Source: kubelet's image manager and kuberuntime's doBackOff (Kubernetes 1.34).
 */
export function troubledSandbox(troubled: TroubledPod): PodSandbox {
  return new TroubledSandbox(troubled);
}

class TroubledSandbox implements PodSandbox {
  readonly #world: HollowWorld;
  readonly #behaviour: PodBehaviour;
  readonly #to: Reporter;
  readonly #containers: readonly Container[];
  /** `web_default(uid)`: how kubelet calls it. */
  readonly #podName: string;
  readonly #policy: string;
  #restarts = 0;
  #pending: Timer | undefined;
  #readiness: Timer | undefined;

  constructor({ world, pod, behaviour, to, adopted }: TroubledPod) {
    this.#world = world;
    this.#behaviour = behaviour;
    this.#to = to;
    this.#containers = pod.spec.containers.map(({ name, image = "" }) => ({ name, image }));
    this.#podName = `${pod.metadata.name}_${pod.metadata.namespace}(${pod.metadata.uid})`;
    this.#policy = pod.spec.restartPolicy ?? "Always";
    for (const complaint of behaviour.complaints) this.#tell("Warning", "InvalidAnnotation", complaint);
    if (!adopted) {
      this.#pull(1);
      return;
    }
    const [first] = pod.status?.containerStatuses ?? [];
    this.#restarts = first?.restartCount ?? 0;
    if (first?.state?.running === undefined) this.#backOff();
    else this.#runs(first.ready);
  }

  stop(grace_ms: number): void {
    this.abandon();
    const { draw, profile } = this.#world;
    this.#after(Math.min(draw(profile.stop_ms), grace_ms), () => this.#to.reported({ type: "stopped" }));
  }

  abandon(): void {
    this.#pending?.cancel();
    this.#readiness?.cancel();
  }

  #after(ms: number, go: () => void): void {
    this.#pending = this.#world.clock.after(ms, go);
  }

  /** The attempt of this number, from 1. */
  #pull(attempt: number): void {
    const fails = attempt <= this.#behaviour.pullFailures;
    if (attempt > 1 || fails) this.#tellAll("Normal", "Pulling", ({ image }) => `Pulling image "${image}"`);
    if (!fails) {
      if (attempt > 1) this.#tellAll("Normal", "Pulled", ({ image }) => `Successfully pulled image "${image}"`);
      this.#start();
      return;
    }
    const { draw, profile } = this.#world;
    this.#after(draw(profile.start_ms), () => {
      const [{ image } = { image: "" }] = this.#containers;
      const why = `failed to pull and unpack image "${image}": not found`;
      this.#tellAll("Warning", "Failed", (each) => `Failed to pull image "${each.image}": ${why}`);
      this.#tellAll("Warning", "Failed", () => "Error: ErrImagePull");
      this.#to.reported({ type: "waiting", reason: "ErrImagePull", message: why });
      const again_ms = backOff_ms(attempt);
      this.#after(LOOK_AGAIN_MS, () => {
        const message = `Back-off pulling image "${image}"`;
        this.#tellAll("Normal", "BackOff", (each) => `Back-off pulling image "${each.image}"`);
        this.#tellAll("Warning", "Failed", () => "Error: ImagePullBackOff");
        this.#to.reported({ type: "waiting", reason: "ImagePullBackOff", message: `${message}: ErrImagePull: ${why}` });
        this.#after(again_ms - LOOK_AGAIN_MS, () => this.#pull(attempt + 1));
      });
    });
  }

  #start(): void {
    const { draw, profile } = this.#world;
    this.#after(this.#behaviour.start_ms ?? draw(profile.start_ms), () => {
      const ready = this.#behaviour.ready_ms === 0;
      this.#to.reported({ type: "started", ready });
      this.#runs(ready);
    });
  }

  #runs(ready: boolean): void {
    const { clock, draw, profile } = this.#world;
    const { ready_ms, run_ms } = this.#behaviour;
    if (!ready && Number.isFinite(ready_ms)) this.#readiness = clock.after(ready_ms, () => this.#to.reported({ type: "ready" }));
    const exitCode = this.#behaviour.exitCode(this.#restarts);
    // Containers that are always started again run on, unless they fail, or are told to end well again and again.
    if (this.#policy === "Always" && exitCode === undefined && (run_ms === undefined || this.#behaviour.fails)) return;
    this.#after(run_ms ?? draw(profile.run_ms), () => this.#end(exitCode ?? 0));
  }

  #end(exitCode: number): void {
    this.#readiness?.cancel();
    if (this.#policy === "Never" || (this.#policy === "OnFailure" && exitCode === 0)) {
      this.#to.reported({ type: "exited", exitCode });
      return;
    }
    this.#to.reported({ type: "ended", exitCode });
    this.#backOff();
  }

  /** The first time they are started again at once. */
  #backOff(): void {
    if (this.#restarts === 0) {
      this.#startAgain();
      return;
    }
    const wait_ms = backOff_ms(this.#restarts);
    this.#after(LOOK_AGAIN_MS, () => {
      const [{ name } = { name: "" }] = this.#containers;
      const message = `back-off ${goSeconds(wait_ms)} restarting failed container=${name} pod=${this.#podName}`;
      this.#to.reported({ type: "waiting", reason: "CrashLoopBackOff", message });
      this.#tellAll("Warning", "BackOff", (each) => `Back-off restarting failed container ${each.name} in pod ${this.#podName}`);
      this.#after(wait_ms - LOOK_AGAIN_MS, () => this.#startAgain());
    });
  }

  #startAgain(): void {
    this.#tellAll("Normal", "Pulled", ({ image }) => `Container image "${image}" already present on machine`);
    this.#tellAll("Normal", "Created", ({ name }) => `Created container: ${name}`);
    this.#restarts++;
    this.#start();
  }

  #tell(severity: "Normal" | "Warning", reason: string, message: string, container?: string): void {
    this.#to.reported({ type: "event", severity, reason, message, ...(container === undefined ? {} : { container }) });
  }

  #tellAll(severity: "Normal" | "Warning", reason: string, message: (container: Container) => string): void {
    for (const container of this.#containers) this.#tell(severity, reason, message(container), container.name);
  }
}
