import type { Kubectl } from "./kubectl.ts";
import type { Troupe } from "./troupe.ts";

/** The cluster that examples run in; it may be another `troupe up` on the same data from one step to the next. */
export class ExampleCluster {
  readonly hasNames: boolean;
  readonly #troupe: () => Troupe;

  /** `hasNames`: pods may ask for names, which takes port 53. */
  constructor(troupe: () => Troupe, hasNames: boolean) {
    this.#troupe = troupe;
    this.hasNames = hasNames;
  }

  get kubectl(): Kubectl {
    return this.#troupe().kubectl;
  }

  home(client: string): string {
    return this.#troupe().home(client);
  }

  /** As whom clients in pods know a service: by its name, or else by its address. */
  async hostOf(service: string, namespace = "default"): Promise<string> {
    if (this.hasNames) return service;
    return this.kubectl.ok(["get", "service", service, "--namespace", namespace, "-o", "jsonpath={.spec.clusterIP}"]);
  }

  /** What is the same in the environments of all processes of a pod, and in those of no other process of this machine. */
  async marksOf(pod: string): Promise<readonly string[]> {
    const [address, api] = await Promise.all([
      this.kubectl.ok(["get", "pod", pod, "-o", "jsonpath={.status.podIP}"]),
      this.kubectl.ok(["get", "service", "kubernetes", "-o", "jsonpath={.spec.clusterIP}"]),
    ]);
    return [`POD_IP=${address}\0`, `KUBERNETES_SERVICE_HOST=${api}\0`];
  }
}
