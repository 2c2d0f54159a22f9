import { headers, type MsgHdrs } from "nats";
import { requestEntityTooLarge, resourceNotFound, tooManyRequests, unclassified } from "../../actors/kinds/errors.ts";
import { resourceOf } from "../../actors/kinds/kind.ts";
import type { Status } from "../../actors/kinds/status.ts";
import type { View } from "../../actors/store/view.ts";
import { PLAIN_JSON } from "../gateway/accept.ts";
import type { Answer, ListAnswer } from "../gateway/answer.ts";
import { PAGE_NOT_FOUND } from "../gateway/answer.ts";
import { beginningOf } from "../gateway/list.ts";
import { type Form, type Printed, printed } from "../gateway/printed.ts";
import type { ResourceRequest } from "../gateway/route.ts";
import { messagePackFromJson } from "./message-pack.ts";

/** What NATS' micro protocol calls an error by. */
const ERROR = "Nats-Service-Error";
const ERROR_CODE = "Nats-Service-Error-Code";
/** Of an answer that is no error and not 200. */
const CODE = "Code";
/** About how much text a list has at most: a message of it goes through servers with NATS' own limit, too. */
const LIST_CHARS_MAX: number = 640 * 1024;

/** Of one of JavaScript's characters. */
export const UTF8_BYTES_MAX = 3;
const FAILURE_MIN = 400;
const RETRY_AFTER = "Retry-After";

/** In what form, and how large at most. */
export interface ReplyForm extends Form {
  readonly messagePack: boolean;
  readonly bytesMax: number;
}

/** Of an answer to somebody whose wishes could not be read. */
export const PLAIN_FORM: ReplyForm = {
  format: PLAIN_JSON,
  includeObject: "Metadata",
  pretty: false,
  jsonEnd: "",
  messagePack: false,
  bytesMax: Number.POSITIVE_INFINITY,
};

/** An answer as a message. */
export interface Reply {
  readonly code: number;
  readonly data: string | Buffer;
  readonly headers: MsgHdrs | undefined;
}

type Said = Exclude<Answer, { type: "taken" | "unchanged" }>;
type Told = ReadonlyMap<string, string | readonly string[]>;

/** Makes a message of an answer: a list that does not fit comes as its first page, another answer that does not as 413. */
export function replyOf(answer: Answer, form: ReplyForm, told: Told, view: View, now_ms: number, info?: ResourceRequest): Reply {
  if (answer.type === "taken" || answer.type === "unchanged") throw new Error(`${info?.path} was answered to nobody`);
  const said = answer.type === "text" && answer.code >= FAILURE_MIN ? statusAnswer(answer) : answer;
  const fitting = said.type === "list" ? listThatFits(said, info) : said;
  const message = formed(printed(fitting, form, view, now_ms), form, told);
  const bytes = bytesOf(message.data, form.bytesMax);
  if (bytes <= form.bytesMax) return message;
  if (fitting.type === "list" && fitting.entries.length > 1)
    return replyOf(cutOff(fitting, fitting.entries.length >> 1, info), form, told, view, now_ms, info);
  const { status } = requestEntityTooLarge(`the answer has ${bytes} bytes, and NATS takes messages of ${form.bytesMax}; ask by HTTPS`);
  return formed(printed({ type: "value", code: status.code, value: status }, form, view, now_ms), form, told);
}

function listThatFits(list: ListAnswer, info: ResourceRequest | undefined): Said {
  let chars = 0;
  for (const [at, { text }] of list.entries.entries()) {
    chars += text.length;
    if (chars > LIST_CHARS_MAX && at > 0) return cutOff(list, at, info);
  }
  return list;
}

/** The rest of what was deleted cannot be asked for any more. */
function cutOff(list: ListAnswer, count: number, info: ResourceRequest | undefined): Said {
  if (info?.verb !== "deletecollection") return beginningOf(list, count);
  const message = `${list.entries.length} ${resourceOf(list.kind)} were deleted; a list of them is larger than a message`;
  return { type: "value", code: 200, value: { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", message } };
}

/** Exact only where it matters. */
function bytesOf(data: string | Buffer, max: number): number {
  const isSmall = data.length * UTF8_BYTES_MAX <= max;
  return typeof data === "string" && !isSmall ? Buffer.byteLength(data) : data.length;
}

/** What HTTP says in plain words is a Status here, like every other error. */
function statusAnswer(answer: Extract<Answer, { type: "text" }>): Extract<Answer, { type: "value" }> {
  const { code, text, headers: given } = answer;
  const status = answer === PAGE_NOT_FOUND ? resourceNotFound().status : statusOf(code, text.trim(), Number(given?.[RETRY_AFTER] ?? 0));
  return { type: "value", code, value: status };
}

function statusOf(code: number, text: string, retryAfter_s: number): Status {
  return code === 429 ? tooManyRequests(text, retryAfter_s).status : { ...unclassified(text).status, code };
}

function formed({ code, contentType, body, headers: given }: Printed, form: ReplyForm, told: Told): Reply {
  const isJson = contentType === "application/json";
  const packed = form.messagePack && typeof body === "string" && isJson;
  const text = isJson || typeof body !== "string" ? body : body.trimEnd();
  const data = packed ? messagePackFromJson(text as string) : text;
  const plain = isJson && !packed;
  if (code === 200 && plain && told.size === 0 && given.length === 0) return { code, data, headers: undefined };
  const said = headers();
  if (code >= FAILURE_MIN) {
    said.append(ERROR_CODE, String(code));
    said.append(ERROR, inOneLine(messageIn(body)));
  } else if (code !== 200) said.append(CODE, String(code));
  if (!plain) said.append("Content-Type", packed ? "application/msgpack" : contentType);
  for (let at = 0; at + 1 < given.length; at += 2) said.append(given[at] ?? "", given[at + 1] ?? "");
  for (const [name, values] of told) for (const value of [values].flat()) said.append(name, inOneLine(value));
  return { code, data, headers: said };
}

function messageIn(body: string | Buffer): string {
  if (typeof body !== "string") return "";
  try {
    return (JSON.parse(body) as Partial<Status>).message ?? "";
  } catch {
    return body;
  }
}

/** What a header can hold. */
function inOneLine(text: string): string {
  return text.replaceAll(/[\r\n]+/g, " ").trim();
}
