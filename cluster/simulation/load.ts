import type { MeasuredPod } from "../../actors/controllers/autoscaling/metrics-source.ts";
import type { MetricsSource, Pod, View } from "../../actors/mod.ts";
import type { Clock } from "../../runtime/mod.ts";
import { type App, mostReplicasOf } from "./estate.ts";
import { isReady } from "./ledger.ts";

/** From one busiest moment of an app to the next. */
const WAVE_MS = 3 * 3_600_000;
const WINDOW_MS = 60_000;

/** What the users of the autoscaled apps ask of them: it comes in waves, and the pods of an app share it. There are no other metrics. */
export function loadOf(apps: readonly App[], view: View, clock: Clock): MetricsSource {
  const none = (): Promise<never> => Promise.reject(new Error("nobody measures that here"));
  return {
    ofPods: none,
    ofObject: none,
    external: none,
    async usage(namespace, selector) {
      const at_ms = clock.now_ms();
      const app = apps.find((one) => one.namespace === namespace && selector === `app=${one.name}`);
      if (app === undefined) return [];
      const pods = view.list("pods", namespace).map((entry) => view.decode<Pod>(entry));
      const own = pods.filter((pod) => pod.metadata.labels?.app === app.name && isReady(pod));
      const share = (1 + Math.sin((2 * Math.PI * at_ms) / WAVE_MS)) / 2;
      const cpu = Math.round((app.cpu * 1_000 * mostReplicasOf(app) * share) / 2 / Math.max(1, own.length));
      const measured = { at_ms, window_ms: WINDOW_MS, containers: [{ name: "main", usage_milli: { cpu } }] };
      return own.map(({ metadata: { name } }): MeasuredPod => ({ name, ...measured }));
    },
  };
}
