/**
 * Which files, with what in them, a volume has that is made of what the API says: configMap, secret, downwardAPI and projected. Pure; what is wrong with one
 * is a VolumeFailure in kubelet's words. Source: MakePayload and CollectData in pkg/volume/configmap, secret, downwardapi and projected (Kubernetes 1.34).
 */
import { createHash } from "node:crypto";
import { posix } from "node:path";
import type { ConfigMap, KeyToPath, Pod, Secret, Volume, VolumeProjection } from "../../kinds/generated/types.ts";
import { keyFor } from "../../kinds/kind.ts";
import type { KubeObject } from "../../kinds/object.ts";
import { fieldValue, resourceValue } from "../../pod/life/downward.ts";
import { allocatableOf } from "../../pod/life/environment.ts";
import { containerNamed } from "../../pod/life/pod-containers.ts";
import type { Key } from "../../store/transaction.ts";
import type { ObjectView } from "../../store/view.ts";
import { VolumeFailure } from "../pod-volumes.ts";

export interface VolumeFile {
  readonly content: Buffer;
  readonly mode: number;
  /** Whose it is; undefined: Troupe's own. */
  readonly owner?: number;
}

/** By the path within the volume. */
export type VolumeFiles = ReadonlyMap<string, VolumeFile>;

/** Another one when the paths or what is in the files is different. */
export function digestOf(files: VolumeFiles): string {
  const hash = createHash("sha256");
  for (const [path, { content }] of files) hash.update(`${JSON.stringify(path)} ${content.length} `).update(content);
  return hash.digest("base64");
}

/** The service account token that is wanted. */
export interface TokenWanted {
  /** Undefined: the API's. */
  readonly audience: string | undefined;
  readonly seconds: number;
}

/** Another one for each token that is another one. */
export function tokenKey({ audience, seconds }: TokenWanted): string {
  return `${seconds} ${audience ?? ""}`;
}

export interface FilesGround {
  readonly view: Pick<ObjectView, "get">;
  readonly pod: Pod;
  token(wanted: TokenWanted): string;
}

const CONFIG_MAPS = { group: "", plural: "configmaps" } as const;
const SECRETS = { group: "", plural: "secrets" } as const;
const MODE_DEFAULT = 0o644;
/** Of what only the pod's user is to read. */
const MODE_PRIVATE = 0o600;
const TOKEN_SECONDS = 3_600;

/** What the volume is made of; undefined: it is none of the API's. */
export function projectionsOf({ configMap, secret, downwardAPI, projected }: Volume): readonly VolumeProjection[] | undefined {
  if (configMap !== undefined) return [{ configMap }];
  if (secret !== undefined) {
    const { secretName: name, items, optional } = secret;
    return [{ secret: { ...(name && { name }), ...(items && { items }), ...(optional !== undefined && { optional }) } }];
  }
  return downwardAPI === undefined ? projected?.sources : [{ downwardAPI }];
}

/** The keys of the objects that the pod's volumes show. */
export function referencesOf({ metadata: { namespace }, spec }: Pod): ReadonlySet<Key> {
  const projections = (spec.volumes ?? []).flatMap((volume) => projectionsOf(volume) ?? []);
  return new Set(
    projections.flatMap(({ configMap, secret }) => [
      ...(configMap === undefined ? [] : [keyFor(CONFIG_MAPS, namespace, configMap.name ?? "")]),
      ...(secret === undefined ? [] : [keyFor(SECRETS, namespace, secret.name ?? "")]),
    ]),
  );
}

export function tokensOf(volume: Volume): readonly TokenWanted[] {
  return (projectionsOf(volume) ?? []).flatMap(({ serviceAccountToken: token }) => (token === undefined ? [] : [wantedOf(token)]));
}

function wantedOf({ audience, expirationSeconds }: NonNullable<VolumeProjection["serviceAccountToken"]>): TokenWanted {
  return { audience: audience === "" ? undefined : audience, seconds: expirationSeconds ?? TOKEN_SECONDS };
}

/** Undefined: the volume is none of the API's. Throws VolumeFailure, of all that is wrong with it. */
export function volumeFiles(ground: FilesGround, volume: Volume): VolumeFiles | undefined {
  const projections = projectionsOf(volume);
  if (projections === undefined) return undefined;
  const { configMap, secret, downwardAPI, projected } = volume;
  const mode = (configMap ?? secret ?? downwardAPI ?? projected)?.defaultMode ?? MODE_DEFAULT;
  const files = new Map<string, VolumeFile>();
  const wrong: string[] = [];
  for (const projection of projections) {
    try {
      for (const [path, file] of projectedFiles(ground, projection, mode)) files.set(checkedPath(path), file);
    } catch (error) {
      if (!(error instanceof VolumeFailure)) throw error;
      wrong.push(error.message);
    }
  }
  if (wrong.length > 0) throw VolumeFailure.ofSetUp(volume.name, wrong.length === 1 ? (wrong[0] ?? "") : `[${wrong.join(", ")}]`);
  return files;
}

type Files = Iterable<readonly [string, VolumeFile]>;

function projectedFiles(ground: FilesGround, projection: VolumeProjection, mode: number): Files {
  const { configMap, secret, downwardAPI, serviceAccountToken } = projection;
  if (configMap !== undefined) {
    const { data = {}, binaryData = {} } = referred<ConfigMap>(ground, CONFIG_MAPS, configMap) ?? {};
    const all = new Map([...Object.entries(data).map(([key, text]) => [key, Buffer.from(text)] as const), ...decoded(binaryData)]);
    return chosen(all, configMap, mode, "configmap references non-existent config key");
  }
  if (secret !== undefined) {
    const all = new Map(decoded(referred<Secret>(ground, SECRETS, secret)?.data ?? {}));
    return chosen(all, secret, mode, "references non-existent secret key");
  }
  if (downwardAPI !== undefined) return downwardFiles(ground, downwardAPI.items ?? [], mode);
  if (serviceAccountToken === undefined) return [];
  const { fsGroup } = ground.pod.spec.securityContext ?? {};
  const owner = userOf(ground.pod);
  const content = Buffer.from(ground.token(wantedOf(serviceAccountToken)));
  const own = owner === undefined ? {} : { owner };
  return [[serviceAccountToken.path, { content, mode: owner === undefined && fsGroup === undefined ? mode : MODE_PRIVATE, ...own }]];
}

function decoded(data: Readonly<Record<string, string>>): (readonly [string, Buffer])[] {
  return Object.entries(data).map(([key, base64]) => [key, Buffer.from(base64, "base64")]);
}

interface Reference {
  readonly name?: string;
  readonly items?: readonly KeyToPath[];
  readonly optional?: boolean;
}

function referred<T extends KubeObject>(
  { view, pod }: FilesGround,
  resource: typeof CONFIG_MAPS | typeof SECRETS,
  { name = "", optional }: Reference,
): T | undefined {
  const found = view.get<T>(keyFor(resource, pod.metadata.namespace, name));
  if (found === undefined && optional !== true)
    throw new VolumeFailure(`${resource.plural.slice(0, -1)} ${JSON.stringify(name)} not found`);
  return found;
}

function* chosen(
  all: ReadonlyMap<string, Buffer>,
  { items = [], optional }: Reference,
  mode: number,
  missing: string,
): Generator<readonly [string, VolumeFile]> {
  if (items.length === 0) for (const [key, content] of all) yield [key, { content, mode }];
  for (const { key, path, mode: own } of items) {
    const content = all.get(key);
    if (content !== undefined) yield [path, { content, mode: own ?? mode }];
    else if (optional !== true) throw new VolumeFailure(`${missing}: ${key}`);
  }
}

function* downwardFiles(
  { view, pod }: FilesGround,
  items: NonNullable<NonNullable<Volume["downwardAPI"]>["items"]>,
  mode: number,
): Generator<readonly [string, VolumeFile]> {
  const place = { hostIP: pod.status?.hostIP ?? "", podIP: pod.status?.podIP ?? "" };
  for (const { path, fieldRef, resourceFieldRef, mode: own } of items) {
    const container = containerNamed(pod, resourceFieldRef?.containerName ?? "");
    const value =
      fieldRef !== undefined
        ? fieldValue(pod, fieldRef.fieldPath, place)
        : resourceFieldRef !== undefined && container !== undefined
          ? resourceValue(resourceFieldRef, container, allocatableOf(view, pod))
          : undefined;
    if (value === undefined) {
      throw new VolumeFailure(
        fieldRef !== undefined
          ? `unsupported fieldPath: ${fieldRef.fieldPath}`
          : `container ${resourceFieldRef?.containerName ?? ""} not found`,
      );
    }
    yield [path, { content: Buffer.from(value), mode: own ?? mode }];
  }
}

/** The user of all containers, where they have one. Source: FsUserFrom. */
function userOf({ spec }: Pod): number | undefined {
  const containers = [...(spec.initContainers ?? []), ...spec.containers, ...(spec.ephemeralContainers ?? [])];
  const users = new Set(containers.map(({ securityContext }) => securityContext?.runAsUser ?? spec.securityContext?.runAsUser));
  return users.size === 1 ? [...users][0] : undefined;
}

const NAME_BYTES_MAX = 255;

/** Source: validatePath of pkg/volume/util/atomic_writer.go. */
function checkedPath(path: string): string {
  const parts = path.split("/");
  if (path === "" || posix.isAbsolute(path)) throw new VolumeFailure(`invalid path: must be relative path: ${path}`);
  if (parts.includes("..")) throw new VolumeFailure(`invalid path: must not contain '..': ${path}`);
  if (path.startsWith("..")) throw new VolumeFailure(`invalid path: must not start with '..': ${path}`);
  if (parts.some((part) => Buffer.byteLength(part) > NAME_BYTES_MAX)) {
    throw new VolumeFailure(`invalid path: filenames must be less than or equal to ${NAME_BYTES_MAX} characters`);
  }
  return posix.normalize(path);
}
