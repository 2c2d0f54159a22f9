import type { AdmissionPlugin } from "../../../actors/registry/admission/admission.ts";
import { certificateRequests } from "./certificate-requests.ts";
import type { Deciding } from "./deciding.ts";
import { NodeRestriction } from "./node-restriction.ts";
import { roleEscalation } from "./role-escalation.ts";

/** What access has to say about the objects that are written, beside who may write them. `access` is asked only for who came in by a door. */
export function accessPlugins(access: () => Deciding): readonly AdmissionPlugin[] {
  return [NodeRestriction, roleEscalation(access), certificateRequests(access)];
}
