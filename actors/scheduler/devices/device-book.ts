import type {
  AllocationResult,
  Device,
  DeviceClass,
  ResourceResourceClaim as ResourceClaim,
  ResourceSlice,
} from "../../kinds/generated/types.ts";
import { keyFor, resourceOf } from "../../kinds/kind.ts";
import { deviceKey } from "../../kinds/resource/allocation.ts";
import { DeviceClassKind } from "../../kinds/resource/device-class.ts";
import { DeviceSelectorProgram } from "../../kinds/resource/device-selector.ts";
import { ResourceSliceKind } from "../../kinds/resource/resource-slice.ts";
import type { ClaimGrant } from "../../registry/registry.ts";
import type { Change } from "../../store/view.ts";
import type { Objects } from "../objects.ts";
import type { PodRecord } from "../pod-record.ts";
import type { DeviceWorld } from "./allocator.ts";
import { SliceDirectory } from "./device-pools.ts";
import { DEVICE_CLAIMS } from "./pod-claims.ts";

export const DEVICE_SLICES: string = resourceOf(ResourceSliceKind);
export const DEVICE_CLASSES: string = resourceOf(DeviceClassKind);
/** Expressions that are kept compiled. */
const PROGRAMS_MAX = 1_000;

/**
 * What a shard knows of devices: where there are some, and who has them or is about to. Nothing is read before the first pod claims any. Invariant: a device is in use
 * as long as a claim in the store has it, or a grant that is on its way there.
 */
export class DeviceBook implements DeviceWorld {
  readonly #view: Objects;
  #isRead = false;
  readonly #slices = new Map<string, ResourceSlice>();
  #directory: SliceDirectory | undefined;
  /** By claim, the devices that it has. */
  readonly #held = new Map<string, readonly string[]>();
  /** By device, how many have it. */
  readonly #inUse = new Map<string, number>();
  readonly #grants = new Map<PodRecord, readonly ClaimGrant[]>();
  /** Claims that are about to be allocated, and to what. */
  readonly #pending = new Map<string, readonly string[]>();
  readonly #programs = new Map<string, DeviceSelectorProgram>();
  /** Slices do not change, so neither does what their devices are. */
  readonly #answers = new WeakMap<Device, Map<string, boolean>>();

  constructor(view: Objects) {
    this.#view = view;
  }

  /** To be called before anything is asked. */
  read(): void {
    if (this.#isRead) return;
    this.#isRead = true;
    for (const entry of this.#view.list(DEVICE_SLICES)) this.#slices.set(entry.key, this.#view.decode<ResourceSlice>(entry));
    for (const entry of this.#view.list(DEVICE_CLAIMS)) this.#hold(entry.key, this.#view.decode<ResourceClaim>(entry));
  }

  /** Takes in a change of a slice or a claim. */
  take({ resource, now, before }: Change): void {
    const key = (now ?? before)?.key ?? "";
    if (!this.#isRead) return;
    if (resource === DEVICE_CLAIMS) {
      this.#hold(key, now === undefined ? undefined : this.#view.decode<ResourceClaim>(now));
      return;
    }
    this.#directory = undefined;
    if (now === undefined) this.#slices.delete(key);
    else this.#slices.set(key, this.#view.decode<ResourceSlice>(now));
  }

  get slices(): SliceDirectory {
    this.#directory ??= new SliceDirectory(this.#slices.values());
    return this.#directory;
  }

  isInUse(device: string): boolean {
    return this.#inUse.has(device);
  }

  classOf(name: string): DeviceClass | undefined {
    return this.#view.get<DeviceClass>(keyFor(DeviceClassKind, undefined, name));
  }

  matches(expression: string, driver: string, device: Device): boolean {
    const answers = this.#answers.get(device) ?? new Map<string, boolean>();
    const answer = answers.get(expression) ?? this.#programOf(expression).matches(driver, device);
    this.#answers.set(device, answers.set(expression, answer));
    return answer;
  }

  /** Another pod's claim of the same name is about to be allocated. */
  isPending(claim: string): boolean {
    return this.#pending.has(claim);
  }

  /** The pod is about to get these. */
  grant(record: PodRecord, grants: readonly ClaimGrant[]): void {
    this.#grants.set(record, grants);
    for (const { key, allocation } of grants) {
      if (allocation === undefined) continue;
      const devices = devicesIn(allocation);
      this.#pending.set(key, devices);
      this.#count(devices, 1);
    }
  }

  grantsOf(record: PodRecord): readonly ClaimGrant[] {
    return this.#grants.get(record) ?? [];
  }

  /** It got them, or did not, or nobody knows any more who it is. */
  settle(record: PodRecord): void {
    for (const { key } of this.grantsOf(record)) this.#arrived(key);
    this.#grants.delete(record);
  }

  /** What was on its way is in the store, or will never be. */
  #arrived(key: string): void {
    const devices = this.#pending.get(key);
    if (devices === undefined) return;
    this.#pending.delete(key);
    this.#count(devices, -1);
  }

  #hold(key: string, claim: ResourceClaim | undefined): void {
    const allocation = claim?.status?.allocation;
    const devices = allocation === undefined ? [] : devicesIn(allocation);
    this.#count(devices, 1);
    this.#count(this.#held.get(key) ?? [], -1);
    if (devices.length === 0) this.#held.delete(key);
    else this.#held.set(key, devices);
    if (allocation !== undefined) this.#arrived(key);
  }

  #count(devices: readonly string[], by: 1 | -1): void {
    for (const device of devices) {
      const users = (this.#inUse.get(device) ?? 0) + by;
      if (users > 0) this.#inUse.set(device, users);
      else this.#inUse.delete(device);
    }
  }

  #programOf(expression: string): DeviceSelectorProgram {
    const known = this.#programs.get(expression);
    if (known !== undefined) return known;
    if (this.#programs.size >= PROGRAMS_MAX) this.#programs.clear();
    const program = new DeviceSelectorProgram(expression);
    this.#programs.set(expression, program);
    return program;
  }
}

/** Who only looks on uses nothing up. */
function devicesIn({ devices }: AllocationResult): string[] {
  return (devices?.results ?? []).filter(({ adminAccess }) => adminAccess !== true).map(deviceKey);
}
