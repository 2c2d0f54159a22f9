import { badRequest, methodNotAllowed, notAcceptable, resourceNotFound } from "../../actors/kinds/errors.ts";
import type { Kind } from "../../actors/kinds/kind.ts";
import { apiVersionOf } from "../../actors/kinds/kind.ts";
import { hasProtobufForm } from "../../actors/kinds/protobuf/envelope.ts";
import type { Requester } from "../../actors/registry/registry.ts";
import type { Audited } from "../audit/auditor.ts";
import type { Format } from "./accept.ts";
import { ANSWER_TYPES, TEXT_ANSWER_TYPES, takesOtherThanTable } from "./accept.ts";
import type { Answer } from "./answer.ts";
import { PAGE_NOT_FOUND } from "./answer.ts";
import { recordBody } from "./audited.ts";
import { mediaTypeOf } from "./body.ts";
import { connect } from "./connections/connect.ts";
import type { GatewayContext } from "./context.ts";
import type { Exchange } from "./exchange.ts";
import { get } from "./get.ts";
import { list } from "./list.ts";
import type { Content } from "./object-body.ts";
import type { IncludeObject, Rendering } from "./object-text.ts";
import type { ExpectedKind } from "./protobuf-body.ts";
import { replay } from "./replay.ts";
import { review } from "./reviews.ts";
import type { RequestInfo, ResourceRequest } from "./route.ts";
import { mayBeSilent } from "./slow-clients.ts";
import { bind, subresource } from "./subresources.ts";
import { targetOf } from "./target.ts";
import { warningsOf } from "./warnings.ts";
import type { Watches } from "./watches.ts";
import { create, patch, remove, removeCollection, update } from "./writes.ts";

/** Answers a request about objects, each in the version that was asked for. */
export async function answerResource(
  context: GatewayContext,
  watches: Watches,
  info: ResourceRequest,
  format: Format,
  exchange: Exchange,
  requester: Requester,
): Promise<Answer> {
  const answering = answerStored(context, watches, info, format, exchange, requester);
  const answer = answering instanceof Promise ? await answering : answering;
  if (answer.type === "object" && answer.kind.custom?.conversion !== undefined) {
    const [entry = answer.entry] = await context.registry.served(answer.kind, [answer.entry]);
    return { ...answer, entry };
  }
  if (answer.type === "list" && answer.kind.custom?.conversion !== undefined) {
    return { ...answer, entries: await context.registry.served(answer.kind, answer.entries) };
  }
  return answer;
}

function answerStored(
  context: GatewayContext,
  watches: Watches,
  info: ResourceRequest,
  format: Format,
  exchange: Exchange,
  requester: Requester,
): Answer | Promise<Answer> {
  const audited = context.auditor?.of(exchange);
  const writer: Asker = {
    requester,
    warn: warningsOf(exchange),
    ...(audited === undefined ? {} : { audited, annotate: (key, value) => audited.annotate(key, value) }),
  };
  if (format.as === "table") checkIncluded(info);
  const target = targetOf(info, context.kinds);
  const deprecation = "kind" in target ? target.kind.deprecation : undefined;
  if (deprecation !== undefined) writer.warn(deprecation);
  switch (target.target) {
    case "no-page":
      return PAGE_NOT_FOUND;
    case "no-resource":
      throw resourceNotFound();
    case "no-method":
      throw methodNotAllowed();
    case "virtual": {
      if (!takesOtherThanTable(exchange.headers.accept)) throw notAcceptable(ANSWER_TYPES);
      const { resource } = target;
      return withContent(exchange, writer, undefined, (content) =>
        resource.kind === "Binding" ? bind(context, info, "", content) : review(context, info, resource, content),
      );
    }
    case "subresource": {
      const { kind, subresource: door } = target;
      if (door.connects === true) return connect(context, info, target, requester, exchange);
      if (info.verb === "get") return subresource(context, info, kind, door, noContent(writer));
      return withContent(exchange, writer, undefined, (content) => subresource(context, info, kind, door, content));
    }
    case "object":
      break;
  }
  const { kind } = target;
  if (format.encoding === "protobuf" && !hasProtobufForm(apiVersionOf(kind), kind.kind)) throw notAcceptable(TEXT_ANSWER_TYPES);
  switch (info.verb) {
    case "get":
      return get(context, info, kind);
    case "list":
      return list(context, info, kind);
    case "watch": {
      if (exchange.connection === undefined) return replay(context, info, kind);
      const { response } = exchange.connection;
      mayBeSilent(response);
      const serving = watches.serve(info, renderingOf(kind, info, format), response, format.encoding === "protobuf");
      return serving.then(() => ({ type: "taken" }));
    }
    case "create":
      return withContent(exchange, writer, kind, (content) => create(context, info, kind, content));
    case "update":
      return withContent(exchange, writer, kind, (content) => update(context, info, kind, undefined, content));
    case "patch":
      return withContent(exchange, writer, kind, (content) => patch(context, info, kind, undefined, content));
    case "delete":
      return withContent(exchange, writer, kind, (content) => remove(context, info, kind, content));
    case "deletecollection":
      return withContent(exchange, writer, kind, (content) => removeCollection(context, info, kind, content));
    case "":
      throw methodNotAllowed();
  }
}

function renderingOf(kind: Kind, info: ResourceRequest, { as, viewVersion }: Format): Rendering {
  return { kind, as, viewVersion, includeObject: includedObject(info) };
}

const NO_BODY = Buffer.alloc(0);

type Asker = Pick<Content, "requester" | "warn" | "annotate"> & { readonly audited?: Audited };

function noContent({ audited: _read, ...asker }: Asker): Content {
  return { mediaType: "", body: NO_BODY, userAgent: undefined, ...asker };
}

/** Answers what has a body when that is there, which it is at once where it came with the question. */
function withContent(
  exchange: Exchange,
  { audited, ...asker }: Asker,
  kind: ExpectedKind | undefined,
  answer: (content: Content) => Answer | Promise<Answer>,
): Answer | Promise<Answer> {
  const mediaType = mediaTypeOf(exchange);
  const read = (body: Buffer): Answer | Promise<Answer> => {
    if (audited !== undefined) recordBody(audited, mediaType, body, kind);
    return answer({ mediaType, body, userAgent: exchange.headers["user-agent"], ...asker });
  };
  const body = exchange.body();
  return body instanceof Promise ? body.then(read) : read(body);
}

/** How much of each object a table carries along. */
export function includedObject(info: RequestInfo): IncludeObject {
  const asked = info.query.size === 0 ? null : info.query.get("includeObject");
  return asked === "None" || asked === "Object" ? asked : "Metadata";
}

const INCLUDED: ReadonlySet<string | null> = new Set([null, "", "Metadata", "Object", "None"]);

/** What a table is to carry along must be one of these words. Source: ValidateTableOptions. */
function checkIncluded({ query }: ResourceRequest): void {
  const asked = query.size === 0 ? null : query.get("includeObject");
  if (INCLUDED.has(asked)) return;
  const words = "must be 'Metadata', 'Object', 'None', or empty";
  throw badRequest(`Unable to convert to Table as requested: includeObject: Invalid value: ${JSON.stringify(asked)}: ${words}`);
}
