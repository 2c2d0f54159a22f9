import type { KubeObject } from "../../kinds/object.ts";
import type { AdmissionWorld } from "./admission.ts";

/** Of the classes that say they are the default the newest, of those the first by name. Source: storage/util.GetDefaultClass. */
export function defaultClass<T extends KubeObject>(
  { view }: Pick<AdmissionWorld, "view">,
  resource: string,
  isDefault: (found: T) => boolean,
): T | undefined {
  let chosen: T | undefined;
  for (const entry of view.list(resource)) {
    const candidate = view.decode<T>(entry);
    if (!isDefault(candidate)) continue;
    if (chosen === undefined || candidate.metadata.creationTimestamp > chosen.metadata.creationTimestamp) chosen = candidate;
  }
  return chosen;
}
