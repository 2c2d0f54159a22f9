import { BOUND_BY_CONTROLLER, SELECTED_NODE } from "../kinds/core/claim-rules.ts";
import { PersistentVolumeKind } from "../kinds/core/persistent-volume.ts";
import { PersistentVolumeClaimKind } from "../kinds/core/persistent-volume-claim.ts";
import type { PersistentVolume, PersistentVolumeClaim } from "../kinds/generated/types.ts";
import { SCHEDULER } from "../registry/authors.ts";
import type { View } from "../store/view.ts";
import type { PodRecord } from "./pod-record.ts";
import { isBound } from "./volumes.ts";
import type { SchedulerRegistry } from "./writes.ts";

interface Waiting {
  readonly record: PodRecord;
  readonly node: string;
  readonly seen: number;
  readonly claims: readonly string[];
  readonly until_ms: number;
}

/** What has come of waiting for a pod's volumes. */
interface Waited {
  readonly record: PodRecord;
  readonly node: string;
  /** The revision on which it was decided. */
  readonly seen: number;
  readonly isBound: boolean;
}

/**
 * Claims that wait for their first consumer get the volume chosen for the node, or the node for which one is to be made; who binds and
 * makes volumes does the rest, and the pod is bound when all its claims are. Source: volumeBinder's BindPodVolumes.
 */
export class VolumeBinder {
  readonly #view: View;
  readonly #registry: SchedulerRegistry;
  readonly #waiting = new Map<PodRecord, Waiting>();

  constructor(view: View, registry: SchedulerRegistry) {
    this.#view = view;
    this.#registry = registry;
  }

  /** Writes the choices: for each claim a volume's name, or "" where one is to be made on this node. Refused when a volume is taken by now. */
  async choose(claims: readonly string[], volumes: readonly string[], node: string): Promise<void> {
    for (const [i, key] of claims.entries()) {
      const claim = this.#view.get<PersistentVolumeClaim>(key);
      if (claim === undefined) throw new Error(`${key} is gone`);
      const { namespace = "", name, uid } = claim.metadata;
      const volume = volumes[i] ?? "";
      if (volume === "") {
        const select = (now: PersistentVolumeClaim): PersistentVolumeClaim => {
          const annotations = { ...now.metadata.annotations, [SELECTED_NODE]: node };
          return { ...now, metadata: { ...now.metadata, annotations } };
        };
        await this.#registry.modify(PersistentVolumeClaimKind, namespace, name, select, { author: SCHEDULER });
        continue;
      }
      const claimed = (now: PersistentVolume): PersistentVolume => {
        const { claimRef } = now.spec ?? {};
        if (claimRef?.uid !== undefined && claimRef.uid !== "" && claimRef.uid !== uid) throw new Error(`volume ${volume} is taken`);
        const annotations =
          claimRef === undefined ? { ...now.metadata.annotations, [BOUND_BY_CONTROLLER]: "yes" } : now.metadata.annotations;
        const metadata = annotations === undefined ? now.metadata : { ...now.metadata, annotations };
        const ref = { kind: "PersistentVolumeClaim", apiVersion: "v1", namespace, name, uid };
        return { ...now, metadata, spec: { ...now.spec, claimRef: { ...claimRef, ...ref } } };
      };
      await this.#registry.modify(PersistentVolumeKind, undefined, volume, claimed, { author: SCHEDULER });
    }
  }

  wait(record: PodRecord, node: string, seen: number, claims: readonly string[], until_ms: number): void {
    this.#waiting.set(record, { record, node, seen, claims, until_ms });
  }

  /** Those that need not wait any more. */
  settled(now_ms: number): Waited[] {
    const settled: Waited[] = [];
    for (const { record, node, seen, claims, until_ms } of this.#waiting.values()) {
      const objects = claims.map((key) => this.#view.get<PersistentVolumeClaim>(key));
      const isDone = objects.every((claim) => claim !== undefined && isBound(claim));
      if (!isDone && now_ms < until_ms && !objects.includes(undefined)) continue;
      this.#waiting.delete(record);
      settled.push({ record, node, seen, isBound: isDone });
    }
    return settled;
  }

  /** When the first has waited long enough; undefined: nobody waits. */
  nextDeadline_ms(): number | undefined {
    let first: number | undefined;
    for (const { until_ms } of this.#waiting.values()) first = Math.min(first ?? until_ms, until_ms);
    return first;
  }
}
