/** Versions of `meta.k8s.io`, whose views say the same. */
export type ViewVersion = "v1" | "v1beta1";

/**
 * How an answer is to be printed, from the Accept header. Source: apiserver's negotiation package and the API concepts page,
 * "Alternate representations of resources" and "Receiving resources as Tables".
 */
export interface Format {
  /** JSON is what is stored and so costs nothing: protobuf is only for clients that read nothing else. */
  readonly encoding: "json" | "yaml" | "protobuf";
  /** `object`: as it is. The other two are views of it. */
  readonly as: "object" | "table" | "metadata";
  /** Of metadata: it was asked for as that of a list (`PartialObjectMetadataList`). */
  readonly many?: true;
  /** The version in which a view was asked for. */
  readonly viewVersion: ViewVersion;
  /** `APIGroupDiscoveryList` in the version that was asked for, on discovery pages only. */
  readonly aggregated: "v2" | "v2beta1" | undefined;
}

export const PLAIN_JSON: Format = { encoding: "json", as: "object", viewVersion: "v1", aggregated: undefined };

export const PROTOBUF_TYPE = "application/vnd.kubernetes.protobuf";
/** Media types that every answer comes in; Kubernetes names them in its refusals. */
export const TEXT_ANSWER_TYPES: readonly string[] = ["application/json", "application/yaml"];
/** Those of built-in kinds. */
export const ANSWER_TYPES: readonly string[] = [...TEXT_ANSWER_TYPES, PROTOBUF_TYPE];

/** The Swagger document in protobuf; client-go asks for it by the older name. Source: kube-openapi's handler. */
export const OPENAPI_V2_PROTOBUF = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";
const OPENAPI_V2_PROTOBUF_OLD = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";

/** Whether a client reads the Swagger document as protobuf only. */
export function wantsOpenApiProtobuf(header: string | undefined): boolean {
  if (header === undefined || negotiate(header) !== undefined) return false;
  return header.includes(OPENAPI_V2_PROTOBUF) || header.includes(OPENAPI_V2_PROTOBUF_OLD);
}

/** Distinct Accept headers whose meaning is remembered; a client has one or two. */
const REMEMBERED_HEADERS_MAX = 256;
/** Media ranges of one header that are looked at. */
const MEDIA_RANGES_MAX = 32;

const remembered = new Map<string, Format | undefined>();

/** The first format of the header that can be served, protobuf after all others; undefined when none can. No header means JSON. */
export function negotiate(header: string | undefined): Format | undefined {
  if (header === undefined || header === "" || header === "application/json" || header === "*/*") return PLAIN_JSON;
  if (remembered.has(header)) return remembered.get(header);
  const format = firstServed(header);
  if (remembered.size < REMEMBERED_HEADERS_MAX) remembered.set(header, format);
  return format;
}

/** Whether the header takes an answer as anything but a table, where there is none of it. Source: AllowsMediaTypeTransform. */
export function takesOtherThanTable(header: string | undefined): boolean {
  if (negotiate(header)?.as !== "table") return true;
  return (header ?? "").split(",", MEDIA_RANGES_MAX).some((range) => formatOf(mediaRange(range))?.as === "object");
}

interface MediaRange {
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
  readonly quality: number;
}

function firstServed(header: string): Format | undefined {
  const ranges = header.split(",", MEDIA_RANGES_MAX).map(mediaRange);
  // Sorting is stable, so equal qualities keep the client's order.
  ranges.sort((a, b) => b.quality - a.quality);
  let protobuf: Format | undefined;
  for (const range of ranges) {
    const format = formatOf(range);
    if (format?.encoding === "protobuf") protobuf ??= format;
    else if (format !== undefined) return format;
  }
  return protobuf;
}

function mediaRange(text: string): MediaRange {
  const [type = "", ...rest] = text.split(";");
  const parameters = new Map<string, string>();
  for (const parameter of rest) {
    const equals = parameter.indexOf("=");
    if (equals > 0) parameters.set(parameter.slice(0, equals).trim(), parameter.slice(equals + 1).trim());
  }
  const quality = Number(parameters.get("q") ?? "1");
  return { type: type.trim().toLowerCase(), parameters, quality: Number.isNaN(quality) ? 0 : quality };
}

function formatOf(range: MediaRange): Format | undefined {
  const encoding = encodingOf(range.type);
  if (encoding === undefined) return undefined;
  const as = range.parameters.get("as");
  if (as === undefined) return { encoding, as: "object", viewVersion: "v1", aggregated: undefined };
  const group = range.parameters.get("g");
  const version = range.parameters.get("v");
  if (as === "APIGroupDiscoveryList" && encoding !== "protobuf" && group === "apidiscovery.k8s.io") {
    return version === "v2" || version === "v2beta1" ? { encoding, as: "object", viewVersion: "v1", aggregated: version } : undefined;
  }
  if (group !== "meta.k8s.io" || (version !== "v1" && version !== "v1beta1")) return undefined;
  // Tables have no protobuf form.
  if (as === "Table" && encoding !== "protobuf") return { encoding, as: "table", viewVersion: version, aggregated: undefined };
  const metadata: Format = { encoding, as: "metadata", viewVersion: version, aggregated: undefined };
  if (as === "PartialObjectMetadata") return metadata;
  if (as === "PartialObjectMetadataList") return { ...metadata, many: true };
  return undefined;
}

function encodingOf(type: string): Format["encoding"] | undefined {
  switch (type) {
    case "application/json":
    case "*/*":
    case "application/*":
      return "json";
    case "application/yaml":
    case "application/x-yaml":
    case "text/yaml":
      return "yaml";
    case PROTOBUF_TYPE:
      return "protobuf";
    default:
      return undefined;
  }
}
