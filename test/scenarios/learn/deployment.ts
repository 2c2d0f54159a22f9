/** A Deployment whose pods have the label `app` of its name. */
export function deployment(name: string, replicas: number, image: string, resources: object = {}): object {
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels: { app: name } }, spec: { containers: [{ name, image, resources }] } },
    },
  };
}

/** A patch that restarts a Deployment, as kubectl rollout restart does it. */
export const RESTART = { spec: { template: { metadata: { annotations: { "kubectl.kubernetes.io/restartedAt": "now" } } } } };

/** Takes annotations away from the pods of a Deployment. */
export function without(...annotations: readonly string[]): object {
  return { metadata: { annotations: Object.fromEntries(annotations.map((name) => [name, null])) } };
}
