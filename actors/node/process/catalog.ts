/**
 * What images stand for on this machine. A file of YAML or JSON:
 *
 *     images:
 *       nginx:                          # nginx, nginx:1.27, docker.io/library/nginx; `nginx:1.27` would go before
 *         needs: nginx                  # a program, or a list of them, found in its PATH; without them on the machine the entry does not hold
 *         places: ["/opt/nginx-*"]      # where else they may be, patterns as of a shell
 *         entrypoint: [nginx]           # as ENTRYPOINT and CMD of an image
 *         command: ["-g", "daemon off;"]
 *         env: { LANG: C.UTF-8 }
 *         workingDir: /srv
 *         user: "101:101"               # numbers, or names of the machine
 *         root: /srv/images/nginx       # a directory that is the container's file system; the machine's own where it is left out
 *         limits: ["-n 4096"]           # of sh's ulimit
 *         stopSignal: SIGQUIT           # as STOPSIGNAL
 *       busybox:
 *         applets: busybox              # a program that is many: what it can be is found in PATH before all else
 */
import { accessSync, constants, globSync, readFileSync } from "node:fs";
import { constants as systemConstants } from "node:os";
import { isAbsolute, join } from "node:path";
import { parse } from "yaml";

export interface CatalogEntry {
  /** As the catalog names it. */
  readonly name: string;
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly workingDir: string | undefined;
  readonly user: string | undefined;
  readonly root: string | undefined;
  readonly limits: readonly string[];
  readonly needs: readonly string[];
  readonly places: readonly string[];
  readonly applets: string | undefined;
  /** What asks it to end. */
  readonly stopSignal: NodeJS.Signals;
}

export type Catalog = ReadonlyMap<string, CatalogEntry>;

const FIELDS = ["entrypoint", "command", "env", "workingDir", "user", "root", "limits", "needs", "places", "applets", "stopSignal"];

/** Throws an Error that names the field. */
export function catalogOf(document: unknown): Catalog {
  const images = isRecord(document) ? document.images : undefined;
  if (!isRecord(images)) throw new Error("it has no `images`, a map of names of images to what they stand for");
  return new Map(Object.entries(images).map(([name, value]) => [name, entryOf(name, value, `images.${name}`)]));
}

function entryOf(name: string, value: unknown, at: string): CatalogEntry {
  if (!isRecord(value)) throw new Error(`${at}: must be a map`);
  const unknown = Object.keys(value).find((field) => !FIELDS.includes(field));
  if (unknown !== undefined) throw new Error(`${at}.${unknown}: unknown; the fields are ${FIELDS.join(", ")}`);
  const text = (field: string): string | undefined => {
    const given = value[field];
    if (given !== undefined && typeof given !== "string") throw new Error(`${at}.${field}: must be a text`);
    return given;
  };
  const texts = (field: string): readonly string[] => {
    const given = value[field] ?? [];
    if (!Array.isArray(given) || given.some((each) => typeof each !== "string")) throw new Error(`${at}.${field}: must be a list of texts`);
    return given as string[];
  };
  const env = value.env ?? {};
  if (!isRecord(env) || Object.values(env).some((each) => typeof each !== "string")) throw new Error(`${at}.env: must be a map of texts`);
  const root = text("root");
  if (root !== undefined && !isAbsolute(root)) throw new Error(`${at}.root: must be an absolute path`);
  const places = texts("places");
  if (!places.every(isAbsolute)) throw new Error(`${at}.places: must be absolute paths`);
  const limits = texts("limits");
  const wrong = limits.find((limit) => !/^-[a-zA-Z] (\d+|unlimited)$/.test(limit));
  if (wrong !== undefined) throw new Error(`${at}.limits: ${JSON.stringify(wrong)} is no limit of ulimit such as "-n 4096"`);
  const stopSignal = text("stopSignal") ?? "SIGTERM";
  if (!isSignal(stopSignal)) throw new Error(`${at}.stopSignal: ${JSON.stringify(stopSignal)} is no signal such as SIGTERM`);
  return {
    name,
    entrypoint: texts("entrypoint"),
    command: texts("command"),
    env: env as Record<string, string>,
    workingDir: text("workingDir"),
    user: text("user"),
    root,
    limits,
    needs: typeof value.needs === "string" ? [value.needs] : texts("needs"),
    places,
    applets: text("applets"),
    stopSignal,
  };
}

/** The entry for an image: of its full name, of the name without a digest, without a tag, and all of that without Docker's registry. */
export function entryFor(catalog: Catalog, image: string): CatalogEntry | undefined {
  const short = image.replace(/^(index\.)?docker\.io\//, "").replace(/^library\//, "");
  const undigested = short.replace(/@.*$/, "");
  const names = [image, short, undigested, undigested.replace(/:[^/:]*$/, "")];
  return names.map((name) => catalog.get(name)).find((entry) => entry !== undefined);
}

/** Those that the machine has what they need for; the second goes before the first. */
export function mergedCatalog(first: Catalog, second: Catalog): Catalog {
  return new Map([...first, ...second].filter(([, { needs, places }]) => needs.every((name) => programNamed(name, places) !== undefined)));
}

/** Where the machine has a program; undefined: nowhere. Of several versions in `places` it is the newest. */
export function programNamed(name: string, places: readonly string[] = []): string | undefined {
  if (isAbsolute(name)) return isExecutable(name) ? name : undefined;
  const known = [...(process.env.PATH ?? "").split(":"), ...SYSTEM_PLACES].map((place) => join(place, name));
  return known.find(isExecutable) ?? places.flatMap((place) => newestFirst(globSync(join(place, name)))).find(isExecutable);
}

function newestFirst(paths: readonly string[]): readonly string[] {
  return paths.toSorted((a, b) => b.localeCompare(a, "en", { numeric: true }));
}

/** Not in the PATH of users other than root. */
const SYSTEM_PLACES = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

export function defaultCatalog(): Catalog {
  return catalogOf(parse(readFileSync(join(import.meta.dirname, "default-catalog.yaml"), "utf8")));
}

function isSignal(name: string): name is NodeJS.Signals {
  return Object.hasOwn(systemConstants.signals, name);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
