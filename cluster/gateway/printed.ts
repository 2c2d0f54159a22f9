import { stringify } from "yaml";
import { encodeProtobuf } from "../../actors/kinds/protobuf/envelope.ts";
import type { View } from "../../actors/store/view.ts";
import type { Format } from "./accept.ts";
import { PROTOBUF_TYPE } from "./accept.ts";
import type { Answer, Headers } from "./answer.ts";
import { listText } from "./list-text.ts";
import type { IncludeObject } from "./object-text.ts";
import { partialObject, tableOfOne, wholeObject } from "./object-text.ts";

const JSON_INDENT = 2;

/** In which form somebody wants an answer. */
export interface Form {
  readonly format: Format;
  readonly includeObject: IncludeObject;
  readonly pretty: boolean;
  /** What stands after JSON. */
  readonly jsonEnd: "" | "\n";
}

/** An answer as it goes over a wire, whichever it is. */
export interface Printed {
  readonly code: number;
  readonly contentType: string;
  readonly body: string | Buffer;
  /** Names and values in turn. */
  readonly headers: readonly string[];
}

/** Prints an answer that has a body, in one piece. */
export function printed(answer: Exclude<Answer, { type: "taken" | "unchanged" }>, form: Form, view: View, now_ms: number): Printed {
  switch (answer.type) {
    case "text":
      return {
        code: answer.code,
        contentType: answer.contentType ?? "text/plain; charset=utf-8",
        body: answer.text,
        headers: flat(answer.headers),
      };
    case "bytes":
      return { code: answer.code, contentType: answer.contentType, body: answer.bytes, headers: flat(answer.headers) };
    case "value":
      return encoded(form, answer.code, JSON.stringify(answer.value));
    case "json":
      return encoded(form, answer.code, answer.json, flat(answer.headers), answer.contentType);
    case "object": {
      const { kind, entry, code } = answer;
      const { as, viewVersion } = form.format;
      const rendering = { kind, as, viewVersion, includeObject: form.includeObject };
      const json =
        as === "object"
          ? wholeObject(kind, entry, entry.revision)
          : as === "metadata"
            ? partialObject(entry, entry.revision, viewVersion)
            : tableOfOne(rendering, view, entry, entry.revision, now_ms, true);
      return encoded(form, code, json);
    }
    case "list": {
      const { as, viewVersion } = form.format;
      const rendering = { kind: answer.kind, as, viewVersion, includeObject: form.includeObject };
      return encoded(form, 200, listText(answer, rendering, view, now_ms));
    }
  }
}

function encoded(form: Form, code: number, json: string, headers: readonly string[] = [], contentType = "application/json"): Printed {
  if (form.format.encoding === "yaml") {
    return { code, contentType: "application/yaml", body: stringify(JSON.parse(json), { sortMapEntries: true, lineWidth: 0 }), headers };
  }
  if (form.format.encoding === "protobuf") {
    const body = encodeProtobuf(JSON.parse(json) as Record<string, unknown>);
    if (body !== undefined) return { code, contentType: PROTOBUF_TYPE, body, headers };
    // Discovery and the version have no protobuf form here, and go as JSON to whoever asks.
    return { code, contentType, body: json + form.jsonEnd, headers };
  }
  const text = form.pretty ? JSON.stringify(JSON.parse(json), null, JSON_INDENT) : json;
  return { code, contentType, body: text + form.jsonEnd, headers };
}

export function flat(headers: Headers = {}): string[] {
  const list: string[] = [];
  for (const [name, value] of Object.entries(headers)) list.push(name, value);
  return list;
}
