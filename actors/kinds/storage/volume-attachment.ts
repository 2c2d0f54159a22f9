import { defineKind, statusApart } from "../define-kind.ts";
import { invalid, required } from "../field-error.ts";
import { immutable } from "../field-rules.ts";
import type { VolumeAttachment } from "../generated/types.ts";
import type { Kind } from "../kind.ts";
import { validateObjectMeta } from "../metadata.ts";
import { dnsSubdomain } from "../names.ts";
import type { FieldError } from "../status.ts";
import { AGE_COLUMN, ageOf, column, NAME_COLUMN } from "../table.ts";
import { STATUS } from "../verbs.ts";
import { validateDriverName } from "./driver-name.ts";

/** Source: validateVolumeAttachmentSpec. */
function validate({ metadata, spec }: VolumeAttachment): FieldError[] {
  const { inlineVolumeSpec, persistentVolumeName } = spec.source ?? {};
  const errors = [...validateObjectMeta(metadata, false, dnsSubdomain), ...validateDriverName(spec.attacher, "spec.attacher")];
  if (inlineVolumeSpec === undefined && persistentVolumeName === undefined) {
    errors.push(required("spec.source", "must specify exactly one of inlineVolumeSpec and persistentVolumeName"));
  } else if (inlineVolumeSpec !== undefined && persistentVolumeName !== undefined) {
    errors.push(invalid("spec.source", null, "must specify exactly one of inlineVolumeSpec and persistentVolumeName"));
  } else if (persistentVolumeName === "")
    errors.push(required("spec.source.persistentVolumeName", "must specify non empty persistentVolumeName"));
  return [...errors, ...dnsSubdomain(spec.nodeName ?? "").map((message) => invalid("spec.nodeName", spec.nodeName ?? "", message))];
}

export const VolumeAttachmentKind: Kind<VolumeAttachment> = defineKind<VolumeAttachment>({
  group: "storage.k8s.io",
  kind: "VolumeAttachment",
  plural: "volumeattachments",
  namespaced: false,
  statusKeepsMetadata: true,
  subresources: [STATUS],
  returnsDeletedObject: true,
  ...statusApart<VolumeAttachment>(() => ({ attached: false })),
  validate,
  validateUpdate: (next, current) => immutable(next.spec, current.spec, "spec", "VolumeAttachmentSpec"),
  columns: [
    NAME_COLUMN,
    column("Attacher", "The driver that attaches it", "string", "name"),
    column("PV", "The volume"),
    column("Node", "Where it is attached"),
    column("Attached", "Whether it is", "boolean"),
    AGE_COLUMN,
  ],
  cells: ({ metadata, spec, status, ...rest }, now_ms) => [
    metadata.name,
    spec.attacher ?? "",
    spec.source?.persistentVolumeName ?? "",
    spec.nodeName ?? "",
    status?.attached ?? false,
    ageOf({ metadata, ...rest }, now_ms),
  ],
});
