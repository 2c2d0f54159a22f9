import type { Kind } from "../../kinds/kind.ts";
import type { KubeObject } from "../../kinds/object.ts";
import { normal, regarding, warning } from "../actions.ts";
import type { Notes } from "../controller.ts";

/** What an owner says of a pod that it made, or could not make. Source: RealPodControl's createPods. */
export function creationNotes<T extends KubeObject>(kind: Kind<T>, owner: KubeObject): Notes {
  const about = regarding(kind, owner);
  return {
    done: normal(about, "SuccessfulCreate", "Created pod: {name}"),
    refused: warning(about, "FailedCreate", "Error creating: {error}"),
  };
}

/** The same of one that it gives up. Source: RealPodControl's DeletePod. */
export function deletionNotes<T extends KubeObject>(kind: Kind<T>, owner: KubeObject): Notes {
  const about = regarding(kind, owner);
  return {
    done: normal(about, "SuccessfulDelete", "Deleted pod: {name}"),
    refused: warning(about, "FailedDelete", "Error deleting: {error}"),
  };
}
