import { join } from "node:path";
import { readJson, writeJson } from "../../cluster/setup/json-file.mjs";
import { withLock } from "../../cluster/setup/lock.mjs";

/** Exit code of a fetcher on machines that cannot have what it fetches. */
const CANNOT = 3;

/**
 * What was fetched into `cache` before, while it is still there; else what `fetchAll` makes of it, by one process at a time.
 *
 * @param {string} cache
 * @param {(before: any) => boolean} isThere
 * @param {() => Promise<object | string>} fetchAll a string says why it cannot be had
 * @returns {Promise<object | string>}
 */
export function fetchedOnce(cache, isThere, fetchAll) {
  const found = join(cache, "fetched.json");
  return withLock(join(cache, "lock"), async () => {
    const before = readJson(found);
    if (before && isThere(before)) return before;
    const fetched = await fetchAll();
    if (typeof fetched === "object") writeJson(found, fetched);
    return fetched;
  });
}

/** To whoever started the fetcher: what there is as JSON, or why there is nothing. @param {object | string} what */
export function tell(what) {
  if (typeof what === "string") {
    process.stderr.write(`${what}\n`);
    process.exitCode = CANNOT;
  } else process.stdout.write(JSON.stringify(what));
}
