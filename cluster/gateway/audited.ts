/** What the audit log is told of bodies and answers. */
import type { Status } from "../../actors/kinds/status.ts";
import type { View } from "../../actors/store/view.ts";
import type { Audited } from "../audit/auditor.ts";
import type { Answer } from "./answer.ts";
import { isYaml, objectText } from "./body.ts";
import type { Exchange } from "./exchange.ts";
import { listText } from "./list-text.ts";
import { APPLY_TYPE } from "./object-body.ts";
import { wholeObject } from "./object-text.ts";
import type { ExpectedKind } from "./protobuf-body.ts";
import { readYaml } from "./yaml.ts";

const FAILURE_MIN = 400;
const JSON_TYPES = /[/+]json$/;

/** Tells what was asked. What cannot be read is refused, and the record says so. */
export function recordBody(audited: Audited, mediaType: string, body: Buffer, kind: ExpectedKind | undefined): void {
  if (body.length === 0) return;
  try {
    if (mediaType === "" || JSON_TYPES.test(mediaType)) audited.asks(body.toString("utf8"));
    else if (isYaml(mediaType) || mediaType === APPLY_TYPE) audited.asks(JSON.stringify(readYaml(body.toString("utf8"))));
    else if (kind !== undefined) audited.asks(objectText(mediaType, body, kind));
  } catch {
    // As above.
  }
}

/** Tells what was answered. `answer` is undefined when the client did not wait for it. */
export function recordAnswer(audited: Audited, answer: Answer | undefined, exchange: Exchange, view: View, now_ms: number): void {
  if (answer === undefined) {
    audited.status = { metadata: {}, status: "Failure", message: "the client went away before it was answered" };
    audited.tell("ResponseComplete");
    return;
  }
  if (answer.type === "taken") {
    audited.tell("ResponseStarted");
    exchange.onceGone(() => audited.completed(exchange.code));
    return;
  }
  const failed = answer.type === "json" && answer.code >= FAILURE_MIN;
  if (failed) audited.refused(JSON.parse(answer.json) as Status);
  if (audited.wantsResponse) {
    const json = jsonOf(answer, view, now_ms);
    if (json !== undefined) audited.answers(json);
  }
  audited.completed(exchange.code);
}

function jsonOf(answer: Answer, view: View, now_ms: number): string | undefined {
  switch (answer.type) {
    case "object":
      return wholeObject(answer.kind, answer.entry, answer.entry.revision);
    case "list":
      return listText(answer, { kind: answer.kind, as: "object", viewVersion: "v1", includeObject: "Object" }, view, now_ms);
    case "value":
      return JSON.stringify(answer.value);
    case "json":
      return answer.json;
    default:
      return undefined;
  }
}
