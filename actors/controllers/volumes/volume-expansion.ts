import { PersistentVolumeClaimKind } from "../../kinds/core/persistent-volume-claim.ts";
import type { PersistentVolumeClaim } from "../../kinds/generated/types.ts";
import { controllerAccount } from "../../registry/authors.ts";
import type { Change, View } from "../../store/view.ts";
import { anyKind, normal, regarding } from "../actions.ts";
import { type Action, type Controller, NO_KEYS, NOTHING } from "../controller.ts";
import { isMore } from "./claim-resize.ts";
import { CLAIMS } from "./pod-claim-index.ts";

/** Says of bound claims that ask for more than before that their driver has to give it to them: there are no others here. Source: pkg/controller/volume/expand. */
export const volumeExpansionController: Controller = {
  name: "persistentvolume-expander",
  component: "volume_expand",
  author: controllerAccount("expand-controller"),
  kind: anyKind(PersistentVolumeClaimKind),
  watches: [{ resource: CLAIMS, keys: keysOfGrown }],
  reconcile,
};

function keysOfGrown({ now, before }: Change, view: View): readonly string[] {
  if (now === undefined || before === undefined) return NO_KEYS;
  const [next, last] = [wantedOf(view.decode(now)), wantedOf(view.decode(before))];
  return next !== undefined && last !== undefined && isMore(next, last) ? [now.key] : NO_KEYS;
}

function wantedOf({ spec }: PersistentVolumeClaim): string | undefined {
  return spec.resources?.requests?.storage;
}

function reconcile(view: View, key: string): readonly Action[] {
  const claim = view.get<PersistentVolumeClaim>(key);
  const wanted = claim === undefined ? undefined : wantedOf(claim);
  const has = claim?.status?.capacity?.storage;
  if (claim?.status?.phase !== "Bound" || wanted === undefined || has === undefined || !isMore(wanted, has)) return NOTHING;
  const message = "waiting for an external controller to expand this PVC";
  return [{ do: "event", note: normal(regarding(PersistentVolumeClaimKind, claim), "ExternalExpanding", message) }];
}
