import { type FieldSet, fieldsJson, readFields } from "./field-set.ts";

/** The fields of one manager, as a set or as the JSON of it: each is made from the other when it is first asked for, and most are never asked for both. */
export class OwnedFields {
  #set: FieldSet | undefined;
  #json: string | undefined;

  private constructor(set: FieldSet | undefined, json: string | undefined) {
    this.#set = set;
    this.#json = json;
  }

  static of(set: FieldSet): OwnedFields {
    return new OwnedFields(set, undefined);
  }

  /** `json` must be FieldsV1, as `json` of another gave it. */
  static stored(json: string): OwnedFields {
    return new OwnedFields(undefined, json);
  }

  get set(): FieldSet {
    this.#set ??= readFields(JSON.parse(this.#json ?? "{}"));
    return this.#set;
  }

  get json(): string {
    this.#json ??= fieldsJson(this.#set as FieldSet);
    return this.#json;
  }
}
