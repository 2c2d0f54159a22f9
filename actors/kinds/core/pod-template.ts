import { defineKind } from "../define-kind.ts";
import type { PodTemplate } from "../generated/types.ts";
import type { Kind } from "../kind.ts";
import { semanticEqual } from "../machinery/equal.ts";
import { dnsSubdomain } from "../names.ts";
import { column, formatLabels, NAME_COLUMN } from "../table.ts";
import { containerCells } from "./pod-cells.ts";
import { defaultPodSpec } from "./pod-defaults.ts";
import { validatePodTemplate } from "./pod-validation.ts";
import { templateWarnings } from "./pod-warnings.ts";

export const PodTemplateKind: Kind<PodTemplate> = defineKind<PodTemplate>({
  group: "",
  kind: "PodTemplate",
  plural: "podtemplates",
  namespaced: true,
  returnsDeletedObject: true,
  tracksGeneration: true,
  generationChanges: (next, current) => !semanticEqual(next.template, current.template),
  applyDefaults: ({ template }) => {
    if (template?.spec !== undefined) defaultPodSpec(template.spec);
  },
  nameRule: dnsSubdomain,
  validate: ({ template }) => validatePodTemplate(template, "template"),
  warnings: (next, current) =>
    next.metadata.generation === current?.metadata.generation ? [] : templateWarnings(next.template, "template"),
  columns: [
    NAME_COLUMN,
    column("Containers", "The names of the containers"),
    column("Images", "The images of the containers"),
    column("Pod Labels", "The labels of the pods"),
  ],
  cells: ({ metadata, template }) => [metadata.name, ...containerCells(template), formatLabels(template?.metadata?.labels)],
});
