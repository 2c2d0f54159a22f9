import { expect } from "vitest";
import { StoredEntry } from "../../../actors/store/stored-entry.ts";

/** Has tests compare entries by all that they say: an entry's text is no member of it. */
expect.addEqualityTesters([
  function sameEntries(a, b, others) {
    if (!(a instanceof StoredEntry || b instanceof StoredEntry)) return undefined;
    const said = (one: unknown): unknown => (one instanceof StoredEntry ? one.toJSON() : one);
    return this.equals(said(a), said(b), others);
  },
]);
