import type { KubeObject } from "../kinds/object.ts";

/** What an Event is about; `kind` and `apiVersion` are named, since objects from a View do not carry them. */
export interface Regarding {
  readonly kind: string;
  readonly apiVersion: string;
  readonly metadata: KubeObject["metadata"];
  /** A part of it: `spec.containers{web}`. */
  readonly fieldPath?: string;
}

/** Records Kubernetes Events for one component. Fire and forget: an Event that cannot be written is counted and dropped, never waited for. */
export interface EventRecorder {
  /** Repetitions of the same event about the same object raise `count` instead of making a new Event, as in client-go. */
  event(about: Regarding, type: "Normal" | "Warning", reason: string, message: string): void;
  /** For what by its nature happens to an object once (it was scheduled, it was started): nothing is kept to recognize a repetition. */
  once(about: Regarding, type: "Normal" | "Warning", reason: string, message: string): void;
}
