import { resourceOf } from "../../actors/kinds/kind.ts";
import type { KindTable } from "../../actors/kinds/kinds.ts";
import type { View } from "../../actors/store/view.ts";
import type { Family } from "../observation/families.ts";
import type { InFlight } from "./in-flight.ts";
import { gitVersion, KUBERNETES } from "./release.ts";

interface Gauged {
  readonly inFlight: InFlight;
  /** How many run. */
  readonly watches: number;
  readonly view: Pick<View, "count">;
  readonly kinds: KindTable;
  /** The package version of this program. */
  readonly version: string;
}

/** What there is at one moment, by kube-apiserver's names. */
export function gauges({ inFlight, watches, view, kinds, version }: Gauged): readonly Family[] {
  const resources = new Set(kinds.all().map(resourceOf));
  return [
    {
      name: "apiserver_current_inflight_requests",
      help: "Requests under way.",
      type: "gauge",
      samples: [
        { labels: { request_kind: "readOnly" }, value: inFlight.count("readonly") },
        { labels: { request_kind: "mutating" }, value: inFlight.count("mutating") },
      ],
    },
    {
      name: "apiserver_longrunning_requests",
      help: "Watches under way.",
      type: "gauge",
      samples: [{ labels: { verb: "WATCH" }, value: watches }],
    },
    {
      name: "apiserver_storage_objects",
      help: "Objects that are stored.",
      type: "gauge",
      samples: [...resources].map((resource) => ({ labels: { resource }, value: view.count(resource) })),
    },
    {
      name: "kubernetes_build_info",
      help: "Whose API this is.",
      type: "gauge",
      samples: [{ labels: { major: KUBERNETES.major, minor: KUBERNETES.minor, git_version: gitVersion(version) }, value: 1 }],
    },
  ];
}
