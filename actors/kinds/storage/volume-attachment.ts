import { defineKind, statusApart } from "../define-kind.ts";
import { forbidden, invalid, required, tooLong } from "../field-error.ts";
import { immutable } from "../field-rules.ts";
import type { VolumeAttachment, VolumeAttachmentSource, VolumeError } from "../generated/types.ts";
import type { Kind } from "../kind.ts";
import { dnsSubdomain } from "../names.ts";
import type { FieldError } from "../status.ts";
import { AGE_COLUMN, ageOf, column, NAME_COLUMN } from "../table.ts";
import { STATUS } from "../verbs.ts";
import { validateDriverName } from "./driver-name.ts";

const METADATA_BYTES_MAX: number = 256 * 1024;
const MESSAGE_BYTES_MAX = 1024;
const ONE_SOURCE = "must specify exactly one of inlineVolumeSpec and persistentVolumeName";

/** Source: validateVolumeAttachmentSource. */
function validateSource({ inlineVolumeSpec, persistentVolumeName: name }: VolumeAttachmentSource): FieldError[] {
  const field = "spec.source";
  if (inlineVolumeSpec !== undefined) return name === undefined ? [] : [forbidden(field, ONE_SOURCE)];
  if (name === undefined) return [required(field, ONE_SOURCE)];
  return name === "" ? [required(`${field}.persistentVolumeName`, "must specify non empty persistentVolumeName")] : [];
}

function validateVolumeError(error: VolumeError | undefined, field: string): FieldError[] {
  // Kubernetes names another limit than the one that it holds.
  return Buffer.byteLength(error?.message ?? "") > MESSAGE_BYTES_MAX ? [tooLong(`${field}.message`, METADATA_BYTES_MAX)] : [];
}

/** Source: validateVolumeAttachmentStatus. */
function validateStatus({ status }: VolumeAttachment): FieldError[] {
  const entries = Object.entries(status?.attachmentMetadata ?? {});
  const bytes = entries.reduce((sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value), 0);
  return [
    ...(bytes > METADATA_BYTES_MAX ? [tooLong("status.attachmentMetadata", METADATA_BYTES_MAX)] : []),
    ...validateVolumeError(status?.attachError, "status.attachError"),
    ...validateVolumeError(status?.detachError, "status.detachError"),
  ];
}

/** Names are looked at closely when an attachment is new. Source: ValidateVolumeAttachment, ValidateVolumeAttachmentV1. */
function validate(attachment: VolumeAttachment, current?: VolumeAttachment): FieldError[] {
  const { attacher = "", source = {}, nodeName = "" } = attachment.spec;
  const errors = [
    ...(attacher === "" ? [required("spec.attacher")] : []),
    ...validateSource(source),
    ...dnsSubdomain(nodeName).map((message) => invalid("spec.nodeName", nodeName, message)),
    ...validateStatus(attachment),
  ];
  if (current !== undefined) return errors;
  const { persistentVolumeName: name } = source;
  const wrong = name === undefined ? [] : dnsSubdomain(name).map((message) => invalid("spec.source.persistentVolumeName", name, message));
  return [...errors, ...validateDriverName(attacher, "spec.attacher"), ...wrong];
}

/** What the driver could not do is told without its code, which is behind a gate. */
function withoutCode({ status }: VolumeAttachment): void {
  delete status?.attachError?.errorCode;
  delete status?.detachError?.errorCode;
}

export const VolumeAttachmentKind: Kind<VolumeAttachment> = defineKind<VolumeAttachment>({
  group: "storage.k8s.io",
  kind: "VolumeAttachment",
  plural: "volumeattachments",
  namespaced: false,
  updatesNameRevision: true,
  statusKeepsMetadata: true,
  subresources: [STATUS],
  returnsDeletedObject: true,
  ...statusApart<VolumeAttachment>(() => ({ attached: false })),
  updateChecks: ["whole", "whole", "changes"],
  nameRule: dnsSubdomain,
  prepareForStatusUpdate: withoutCode,
  validate,
  validateStatus,
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
