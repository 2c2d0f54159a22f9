import { PersistentVolumeClaimKind } from "../../kinds/core/persistent-volume-claim.ts";
import { PodKind } from "../../kinds/core/pod.ts";
import type { PersistentVolumeClaim, Pod, Volume } from "../../kinds/generated/types.ts";
import { controllerAccount } from "../../registry/authors.ts";
import type { Change, View } from "../../store/view.ts";
import { anyKind, create, newMeta, regarding, warning } from "../actions.ts";
import { type Action, type Controller, NO_KEYS, NOTHING } from "../controller.ts";
import { controllerReference } from "../ownership.ts";
import { CLAIMS, ephemeralClaim, mayHaveEphemeral, podsByClaim } from "./pod-claim-index.ts";

/**
 * Makes the claims of pods' ephemeral volumes, which go with their pods. Source: pkg/controller/volume/ephemeral and
 * https://kubernetes.io/docs/concepts/storage/ephemeral-volumes/#generic-ephemeral-volumes
 */
export const ephemeralVolumeController: Controller = {
  name: "ephemeral-volume",
  component: "ephemeral_volume",
  kind: anyKind(PodKind),
  author: controllerAccount("ephemeral-volume-controller"),
  indexes: [podsByClaim],
  watches: [
    {
      resource: "pods",
      keys: ({ now, before }) => (now !== undefined && before === undefined && mayHaveEphemeral(now) ? [now.key] : NO_KEYS),
    },
    { resource: CLAIMS, keys: keysOfClaim },
  ],
  reconcile,
};

/** One that went may be needed still. */
function keysOfClaim({ now, before }: Change, view: View): readonly string[] {
  if (now !== undefined || before === undefined) return NO_KEYS;
  return view
    .byIndex(podsByClaim.name, before.key)
    .filter(mayHaveEphemeral)
    .map(({ key }) => key);
}

function reconcile(view: View, key: string): readonly Action[] {
  const pod = view.get<Pod>(key);
  if (pod === undefined || pod.metadata.deletionTimestamp !== undefined) return NOTHING;
  const steps: Action[] = [];
  for (const volume of pod.spec.volumes ?? []) {
    const [step] = claimOf(view, pod, volume);
    if (step === undefined) continue;
    steps.push(step);
    // The first that cannot be had is told.
    if (step.do === "event") break;
  }
  return steps.length < 2 ? steps : [{ do: "inOrder", steps }];
}

function claimOf(view: View, pod: Pod, { name: volume, ephemeral }: Volume): readonly Action[] {
  const template = ephemeral?.volumeClaimTemplate;
  if (template === undefined) return NOTHING;
  const { namespace = "", uid } = pod.metadata;
  const name = ephemeralClaim(pod, volume);
  const refused = (why: string) => warning(regarding(PodKind, pod), "FailedBinding", `ephemeral volume ${volume}: ${why}`);
  const current = view.get<PersistentVolumeClaim>(`${CLAIMS}/${namespace}/${name}`);
  if (current !== undefined) {
    const isOurs = current.metadata.ownerReferences?.some((owner) => owner.controller === true && owner.uid === uid) === true;
    if (isOurs) return NOTHING;
    const why = `PVC ${namespace}/${name} was not created for pod ${namespace}/${pod.metadata.name} (pod is not owner)`;
    return [{ do: "event", note: refused(why) }];
  }
  const { labels, annotations } = template.metadata ?? {};
  const claim: PersistentVolumeClaim = structuredClone({
    metadata: newMeta({
      name,
      namespace,
      ...(labels === undefined ? {} : { labels }),
      ...(annotations === undefined ? {} : { annotations }),
      ownerReferences: [controllerReference(PodKind, pod)],
    }),
    spec: template.spec,
  });
  return [create(PersistentVolumeClaimKind, claim, { refused: refused(`create PVC ${name}: {error}`) })];
}
