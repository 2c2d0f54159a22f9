import type { ApiAccess } from "./kubeconfig.ts";
import { ListWatch } from "./list-watch.ts";
import { type PodSighting, podLineReader } from "./pod-line.ts";

interface ListedPod {
  readonly metadata: { readonly name: string };
  readonly spec?: { readonly nodeName?: string };
  readonly status?: { readonly phase?: string };
}

/** Follows the pods of one run whose names begin alike. */
export function watchPods(
  access: ApiAccess,
  of: { readonly namespace: string; readonly selector: string; readonly prefix: string },
  see: (pod: PodSighting) => void,
): ListWatch {
  const read = podLineReader(of.prefix);
  return new ListWatch(access, {
    path: `/api/v1/namespaces/${of.namespace}/pods?labelSelector=${encodeURIComponent(of.selector)}`,
    item: (item) => {
      const { metadata, spec, status } = item as ListedPod;
      see({ name: metadata.name, scheduled: (spec?.nodeName ?? "") !== "", running: status?.phase === "Running" });
    },
    line: (line) => {
      const sighting = read(line);
      if (sighting === "error") return "error";
      if (sighting !== "nothing") see(sighting);
      return undefined;
    },
  });
}
