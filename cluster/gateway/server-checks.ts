import type { View } from "../../actors/store/view.ts";
import type { GatewayContext } from "./context.ts";
import { untilNewest } from "./context.ts";
import { EVERYWHERE, type HealthCheck } from "./health.ts";

/** What is asked of this server by the health pages, by kube-apiserver's names, which monitors ask for. */
export function serverChecks(
  context: Pick<GatewayContext, "view" | "store" | "log">,
  hooks: readonly StartHook[],
  closing: () => boolean,
): readonly HealthCheck[] {
  const stored = async (): Promise<undefined> => {
    await untilNewest(context);
    return undefined;
  };
  const logged = async (): Promise<undefined> => {
    context.log.debug({}, "asked how it is");
    return undefined;
  };
  const { view } = context;
  return [
    { name: "ping", on: EVERYWHERE, run: async () => undefined },
    { name: "log", on: EVERYWHERE, run: logged },
    // The store.
    { name: "etcd", on: EVERYWHERE, run: stored },
    { name: "etcd-readiness", on: ["readyz"], run: stored },
    { name: "informer-sync", on: ["readyz"], run: async () => (view.revision > 0 ? undefined : "nothing of the store is here yet") },
    ...startChecks(hooks, view),
    { name: "shutdown", on: ["readyz"], run: async () => (closing() ? "process is shutting down" : undefined) },
  ];
}

/** What a server does when it starts, by Kubernetes' name for it, and the objects that are there when it is done. */
export interface StartHook {
  readonly name: string;
  readonly keys: readonly string[];
}

/** What is done stays done. Source: apiserver's pkg/server/hooks.go, postStartHookHealthz. */
function startChecks(hooks: readonly StartHook[], view: Pick<View, "entry">): readonly HealthCheck[] {
  return hooks.map(({ name, keys }) => {
    let done = false;
    return {
      name: `poststarthook/${name}`,
      on: EVERYWHERE,
      run: async () => {
        done ||= keys.every((key) => view.entry(key) !== undefined);
        return done ? undefined : "not finished";
      },
    };
  });
}
