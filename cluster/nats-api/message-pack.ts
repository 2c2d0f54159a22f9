import { Packr, Unpackr } from "msgpackr";
import { badRequest } from "../../actors/kinds/errors.ts";

/** Media types are those of JSON with this word in place of that one: `application/msgpack`, `application/merge-patch+msgpack`. */
const WORD = "msgpack";

/** Plain MessagePack, as every library for it reads and writes it. */
const packr = new Packr({ useRecords: false, variableMapSize: true });
const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true, int64AsType: "number" });

export function isMessagePack(mediaTypes: string | undefined): boolean {
  return mediaTypes?.includes(WORD) === true;
}

/** The media types of the same in JSON; an apply is YAML by its name, which JSON is, too. */
export function inJson(mediaTypes: string): string {
  return mediaTypes.replaceAll(`apply-patch+${WORD}`, "apply-patch+yaml").replaceAll(WORD, "json");
}

/** Throws 400. */
export function jsonFromMessagePack(body: Buffer): Buffer {
  try {
    return Buffer.from(JSON.stringify(unpackr.unpack(body)));
  } catch (error) {
    throw badRequest(`the body is no MessagePack of an object: ${(error as Error).message}`);
  }
}

export function messagePackFromJson(json: string): Buffer {
  return packr.pack(JSON.parse(json));
}
