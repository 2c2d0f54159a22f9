/** Kinds of pods that a load can be made of. */
export const POD_SHAPES = ["basic"] as const;
export type PodShape = (typeof POD_SHAPES)[number];

/** The label that all pods of one run carry, with the run's name as its value. */
export const RUN_LABEL = "troupe-density-run";

/**
 * Gives the body of a pod by its number, built once as text so that making one costs a concatenation. `basic` is one pause container with small
 * requests and no volumes, as in Kubernetes' own density test; it does not ask for a service account's token.
 */
export function podBodies(shape: PodShape, run: string, prefix: string): (index: number) => string {
  const pod = SHAPES[shape](run);
  const [before = "", after = ""] = JSON.stringify({ ...pod, metadata: { name: "\u0000", ...pod.metadata } }).split("\\u0000");
  return (index) => `${before}${prefix}${index}${after}`;
}

interface PodTemplate {
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly [field: string]: unknown;
}

const SHAPES: Readonly<Record<PodShape, (run: string) => PodTemplate>> = {
  basic: (run) => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { labels: { [RUN_LABEL]: run } },
    spec: {
      automountServiceAccountToken: false,
      containers: [
        {
          name: "pause",
          image: "pause:3.10",
          resources: { requests: { cpu: "10m", memory: "16Mi" } },
        },
      ],
    },
  }),
};
