/** A metric from which no number of pods can be worked out; the message is Kubernetes'. */
export class MetricFailure extends Error {
  override readonly name = "MetricFailure";
}
