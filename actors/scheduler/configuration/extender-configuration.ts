import { ConfigurationError, flag, list, need, object, text, whole } from "../../kinds/configuration/fields.ts";

/** A scheduler's helper that is asked over HTTP. Source: Extender of kubescheduler.config.k8s.io/v1. */
export interface ExtenderConfiguration {
  readonly urlPrefix: string;
  /** Empty verbs are not asked. */
  readonly filterVerb: string;
  readonly prioritizeVerb: string;
  readonly preemptVerb: string;
  readonly bindVerb: string;
  readonly weight: number;
  readonly timeout_ms: number;
  /** It knows the nodes: only names go to it. */
  readonly nodeCacheCapable: boolean;
  /** Pods that ask for none of these are none of its business; undefined: all are. */
  readonly managedResources: readonly string[] | undefined;
  /** Of those, what the scheduler itself does not look at. */
  readonly ignoredResources: readonly string[];
  /** Its failure does not fail the pod. */
  readonly ignorable: boolean;
  /** Paths of files; undefined: none. */
  readonly tls: {
    readonly insecure: boolean;
    readonly serverName: string | undefined;
    readonly caFile: string | undefined;
    readonly certFile: string | undefined;
    readonly keyFile: string | undefined;
  };
}

const TIMEOUT_MS = 5_000;
const WEIGHT_MAX = 1_000_000;
const DURATION = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/;
const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

const extender = object({
  urlPrefix: text,
  filterVerb: text,
  prioritizeVerb: text,
  preemptVerb: text,
  bindVerb: text,
  weight: whole(1, WEIGHT_MAX),
  enableHTTPS: flag,
  tlsConfig: object({ insecure: flag, serverName: text, certFile: text, keyFile: text, caFile: text }),
  httpTimeout: text,
  nodeCacheCapable: flag,
  managedResources: list(object({ name: text, ignoredByScheduler: flag })),
  ignorable: flag,
});

export function readExtender(value: unknown, path: string): ExtenderConfiguration {
  const read = extender(value, path);
  const urlPrefix = need(read.urlPrefix, `${path}.urlPrefix`);
  if (!URL.canParse(urlPrefix)) throw new ConfigurationError(`${path}.urlPrefix`, `${urlPrefix} is not a URL`);
  const { prioritizeVerb = "", weight, managedResources, tlsConfig = {} } = read;
  if (prioritizeVerb !== "" && weight === undefined)
    throw new ConfigurationError(`${path}.weight`, "must have a positive weight applied to it");
  const names = (managedResources ?? []).map(({ name }, index) => need(name, `${path}.managedResources[${index}].name`));
  return {
    urlPrefix: urlPrefix.replace(/\/+$/, ""),
    filterVerb: read.filterVerb ?? "",
    prioritizeVerb,
    preemptVerb: read.preemptVerb ?? "",
    bindVerb: read.bindVerb ?? "",
    weight: weight ?? 1,
    timeout_ms: read.httpTimeout === undefined ? TIMEOUT_MS : duration(read.httpTimeout, `${path}.httpTimeout`),
    nodeCacheCapable: read.nodeCacheCapable ?? false,
    managedResources: names.length === 0 ? undefined : names,
    ignoredResources: (managedResources ?? []).flatMap(({ name, ignoredByScheduler }) =>
      ignoredByScheduler === true && name ? [name] : [],
    ),
    ignorable: read.ignorable ?? false,
    tls: {
      insecure: tlsConfig.insecure ?? false,
      serverName: tlsConfig.serverName,
      caFile: tlsConfig.caFile,
      certFile: tlsConfig.certFile,
      keyFile: tlsConfig.keyFile,
    },
  };
}

function duration(value: string, path: string): number {
  const [, amount, unit = ""] = DURATION.exec(value) ?? [];
  const unit_ms = UNITS_MS[unit];
  if (amount === undefined || unit_ms === undefined) throw new ConfigurationError(path, `${value} is not a duration such as 5s or 500ms`);
  return Number(amount) * unit_ms;
}
