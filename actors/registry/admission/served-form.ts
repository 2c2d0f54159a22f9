/** Objects of a request in the form in which others see them: with their kind, in the version asked for; and back. */
import type { Kind } from "../../kinds/kind.ts";
import { apiVersionOf } from "../../kinds/kind.ts";
import { type BodyKind, shaped } from "../../kinds/machinery/body.ts";
import type { KubeObject } from "../../kinds/object.ts";
import type { AdmissionRequest } from "./admission.ts";

/** What the objects of a request are, seen as that kind. */
export function spokenKind(request: AdmissionRequest, kind: Kind): BodyKind {
  return request.speaks ?? kind;
}

/** The object as clients of that kind see it. It may share parts with the one given. */
export function servedForm(request: AdmissionRequest, kind: Kind, object: KubeObject): KubeObject {
  const spoken = spokenKind(request, kind);
  const {
    kind: _kind,
    apiVersion: _version,
    ...rest
  } = request.speaks === undefined && kind.stored !== undefined ? kind.stored.fromStored(structuredClone(object)) : object;
  return { kind: spoken.kind, apiVersion: apiVersionOf(spoken), ...rest };
}

/** A changed object, a private copy, back in the form in which it is stored, with defaults. Throws ShapeError when it is no object of its kind any more. */
export function storedForm(request: AdmissionRequest, kind: Kind, changed: unknown): KubeObject {
  const object = shaped(spokenKind(request, kind), changed);
  if (request.speaks !== undefined) return object;
  const stored = kind.stored === undefined ? object : kind.stored.toStored(object);
  request.kind.applyDefaults?.(stored);
  return stored;
}
