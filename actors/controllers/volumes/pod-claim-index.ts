import { isTerminalPhase } from "../../kinds/core/pod-phase.ts";
import type { ContainerStatus, Pod } from "../../kinds/generated/types.ts";
import { decodeObject } from "../../kinds/text.ts";
import type { Entry, IndexDefinition } from "../../store/view.ts";
import { NO_KEYS } from "../controller.ts";

export const CLAIMS = "persistentvolumeclaims";

/** The name of the claim of an ephemeral volume. Source: ephemeral.VolumeClaimName. */
export function ephemeralClaim(pod: Pod, volume: string): string {
  return `${pod.metadata.name}-${volume}`;
}

/** The keys of the claims that a pod mounts. */
export function claimKeysOf(pod: Pod): string[] {
  const names = (pod.spec.volumes ?? []).flatMap((volume) => {
    if (volume.persistentVolumeClaim !== undefined) return [volume.persistentVolumeClaim.claimName];
    return volume.ephemeral === undefined ? [] : [ephemeralClaim(pod, volume.name)];
  });
  return names.map((name) => `${CLAIMS}/${pod.metadata.namespace ?? ""}/${name}`);
}

let asked: Entry | undefined;
let answer = false;

/**
 * Most pods mount none, which their text says. The patterns begin with a character that texts have few of: that is what a search looks for first.
 * All who watch pods ask this of the same change one after another, so the last answer is remembered.
 */
export function mayHaveClaims(entry: Entry): boolean {
  if (entry !== asked) [asked, answer] = [entry, entry.text.includes('VolumeClaim":{') || mayHaveEphemeral(entry)];
  return answer;
}

export function mayHaveEphemeral({ text }: Entry): boolean {
  return text.includes('hemeral":{');
}

export const podsByClaim: IndexDefinition = {
  name: "pods-by-claim",
  resource: "pods",
  values: (pod) => claimKeysOf(pod as Pod),
  valuesOfText: (entry) => (mayHaveClaims(entry) ? claimKeysOf(decodeObject<Pod>(entry.text, entry.revision)) : NO_KEYS),
};

/** No container of it runs any more. Source: volumeutil.IsPodTerminated. */
export function isOver({ metadata, status = {} }: Pod): boolean {
  if (isTerminalPhase(status.phase)) return true;
  const { initContainerStatuses = [], containerStatuses = [], ephemeralContainerStatuses = [] } = status;
  const rests = ({ state }: ContainerStatus): boolean => state?.terminated !== undefined || state?.waiting !== undefined;
  return (
    metadata.deletionTimestamp !== undefined && [...initContainerStatuses, ...containerStatuses, ...ephemeralContainerStatuses].every(rests)
  );
}
