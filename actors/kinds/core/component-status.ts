import { defineKind } from "../define-kind.ts";
import type { ComponentStatus } from "../generated/types.ts";
import type { Kind } from "../kind.ts";
import { column, NAME_COLUMN } from "../table.ts";

/** Deprecated since 1.19. It is served, as Kubernetes does, but nothing in this house is a component of its own, so there are none. */
export const ComponentStatusKind: Kind<ComponentStatus> = defineKind<ComponentStatus>({
  group: "",
  kind: "ComponentStatus",
  plural: "componentstatuses",
  shortNames: ["cs"],
  namespaced: false,
  verbs: ["get", "list"],
  deprecation: "v1 ComponentStatus is deprecated in v1.19+",
  validate: () => [],
  columns: [
    NAME_COLUMN,
    column("Status", "Whether the component is well"),
    column("Message", "What it says"),
    column("Error", "What went wrong"),
  ],
  cells: ({ metadata, conditions }) => {
    const healthy = conditions?.find(({ type }) => type === "Healthy");
    const status = healthy === undefined ? "Unknown" : healthy.status === "True" ? "Healthy" : "Unhealthy";
    return [metadata.name, status, healthy?.message ?? "", healthy?.error ?? ""];
  },
});
