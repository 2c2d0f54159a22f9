/**
 * Which devices claims get on a node: depth first over claims, requests and devices, the first that all of them can have together. Pure. Source:
 * allocator_experimental.go of k8s.io/dynamic-resource-allocation/structured, with the gates as they are in 1.34.9.
 */
import type {
  AllocationResult,
  Device,
  DeviceAllocationConfiguration,
  DeviceClass,
  DeviceRequestAllocationResult,
  DeviceSelector,
  DeviceSubRequest,
  ExactDeviceRequest,
  NodeSelectorRequirement,
  NodeSelectorTerm,
  ResourceResourceClaim as ResourceClaim,
  ResourceSlice,
} from "../../kinds/generated/types.ts";
import { deviceKey } from "../../kinds/resource/allocation.ts";
import { REQUESTS_MAX } from "../../kinds/resource/device-claim.ts";
import { ConstraintTally } from "./constraints.ts";
import { type DevicePool, devicesOf, type ReachingNode, type SliceDirectory } from "./device-pools.ts";

/** The claims cannot be allocated because of what is wrong with them, their classes or the pools; what it says is in kube-scheduler's words. */
export class AllocationError extends Error {
  override readonly name = "AllocationError";
}

/** Steps of the search that one node is worth. Kubernetes gives it ten seconds. */
const STEPS_MAX = 200_000;

/** What is known of devices. */
export interface DeviceWorld {
  readonly slices: SliceDirectory;
  /** Whether a claim has the device, by its deviceKey. */
  isInUse(device: string): boolean;
  classOf(name: string): DeviceClass | undefined;
  /** Whether the expression means the device. Throws CelFailure. */
  matches(expression: string, driver: string, device: Device): boolean;
}

/** A request, or one of its alternatives, with what it comes to on this node. */
interface Wanted {
  /** `request`, or `request/alternative`. */
  readonly name: string;
  readonly request: string;
  readonly spec: ExactDeviceRequest | DeviceSubRequest;
  readonly isAdmin: boolean;
  readonly deviceClass: DeviceClass;
  readonly count: number;
  /** All that there are, where all are wanted. */
  readonly all: readonly Found[] | undefined;
}

interface Found {
  readonly key: string;
  readonly slice: ResourceSlice;
  readonly device: Device;
}

interface Given extends Found {
  readonly wanted: Wanted;
}

/** A claim on its way to its devices. */
interface Turn {
  readonly claim: ResourceClaim;
  /** By request: its alternatives, or itself alone. */
  readonly requests: readonly (readonly Wanted[])[];
  readonly constraints: readonly ConstraintTally[];
  readonly given: Given[];
  /** Which alternative of each request was taken. */
  readonly chosen: Wanted[];
}

/** The search gave up: there may be an answer that it did not find. */
export class SearchExhausted extends Error {
  override readonly name = "SearchExhausted";
}

/** A claim would have more devices than it may; another alternative may do with fewer. */
const TOO_MANY = "too many";
type Outcome = boolean | typeof TOO_MANY;

/** What each claim gets; undefined: not all can have what they want. Throws AllocationError, or SearchExhausted. */
export function allocate(world: DeviceWorld, node: ReachingNode, claims: readonly ResourceClaim[]): AllocationResult[] | undefined {
  return new Search(world, node, claims).run();
}

class Search {
  readonly #world: DeviceWorld;
  readonly #pools: readonly DevicePool[];
  readonly #turns: Turn[];
  readonly #matches = new Map<string, boolean>();
  /** The claims that are getting a device, which may be several where some only look on. */
  readonly #allocating = new Map<string, Set<Turn>>();
  #steps = 0;

  constructor(world: DeviceWorld, node: ReachingNode, claims: readonly ResourceClaim[]) {
    this.#world = world;
    this.#pools = world.slices.poolsOf(node);
    this.#turns = claims.map((claim) => this.#turnOf(claim));
  }

  run(): AllocationResult[] | undefined {
    if (this.#request(0, 0) !== true) return undefined;
    return this.#turns.map(resultOf);
  }

  #turnOf(claim: ResourceClaim): Turn {
    const { requests = [], constraints = [] } = claim.spec.devices ?? {};
    let least = 0;
    const wanted = requests.map(({ name, exactly, firstAvailable = [] }) => {
      const alternatives =
        firstAvailable.length > 0
          ? firstAvailable.map((spec) => this.#wanted(claim, `${name}/${spec.name}`, name, spec.name, spec, false))
          : [this.#wanted(claim, name, name, name, exactly as ExactDeviceRequest, exactly?.adminAccess === true)];
      least += Math.min(...alternatives.map(({ count }) => count));
      return alternatives;
    });
    if (least > REQUESTS_MAX) {
      throw new AllocationError(`claim ${named(claim)}: number of requested devices ${least} exceeds the claim limit of ${REQUESTS_MAX}`);
    }
    return { claim, requests: wanted, constraints: constraints.map((one) => new ConstraintTally(one)), given: [], chosen: [] };
  }

  /** `own`: what it is called in complaints. */
  #wanted(
    claim: ResourceClaim,
    name: string,
    request: string,
    own: string,
    spec: ExactDeviceRequest | DeviceSubRequest,
    isAdmin: boolean,
  ): Wanted {
    const who = `claim ${named(claim)}, request ${own}`;
    const { deviceClassName, allocationMode, count = 0 } = spec;
    const deviceClass = this.#world.classOf(deviceClassName);
    if (deviceClass === undefined) {
      const missing = `deviceclass.resource.k8s.io ${JSON.stringify(deviceClassName)} not found`;
      throw new AllocationError(`${who}: could not retrieve device class ${deviceClassName}: ${missing}`);
    }
    const wanted = { name, request, spec, isAdmin, deviceClass };
    if (allocationMode !== "All") return { ...wanted, count, all: undefined };
    const all = this.#all(claim, who, { ...wanted, count: 0, all: undefined });
    return { ...wanted, count: all.length, all };
  }

  #all(claim: ResourceClaim, who: string, wanted: Wanted): Found[] {
    const all: Found[] = [];
    for (const pool of this.#pools) {
      const state = pool.isIncomplete ? "currently being updated" : pool.twice === undefined ? undefined : "currently invalid";
      if (state !== undefined)
        throw new AllocationError(`${who}: asks for all devices, but resource pool ${pool.driver}/${pool.pool} is ${state}`);
      for (const slice of pool.slices) {
        for (const device of devicesOf(slice)) {
          const found = { key: keyOf(pool, device), slice, device };
          if (this.#isSelectable(claim, wanted, found)) all.push(found);
        }
      }
    }
    return all;
  }

  #isSelectable(claim: ResourceClaim, { name, deviceClass, spec }: Wanted, { key, slice, device }: Found): boolean {
    const asked = `${claim.metadata.uid} ${name} ${key}`;
    const known = this.#matches.get(asked);
    if (known !== undefined) return known;
    const { driver } = slice.spec;
    const matches =
      this.#areMet(`class ${deviceClass.metadata.name}`, deviceClass.spec.selectors, driver, device) &&
      this.#areMet(`claim ${named(claim)}`, spec.selectors, driver, device);
    this.#matches.set(asked, matches);
    return matches;
  }

  #areMet(whose: string, selectors: readonly DeviceSelector[] = [], driver: string, device: Device): boolean {
    return selectors.every(({ cel }, index) => {
      try {
        return this.#world.matches(cel?.expression ?? "", driver, device);
      } catch (error) {
        throw new AllocationError(`${whose}: selector #${index}: CEL runtime error: ${(error as Error).message}`);
      }
    });
  }

  /** From this request of this claim on. */
  #request(at: number, request: number): Outcome {
    if (++this.#steps > STEPS_MAX) throw new SearchExhausted();
    const turn = this.#turns[at];
    if (turn === undefined) return true;
    const alternatives = turn.requests[request];
    if (alternatives === undefined) {
      const next = this.#request(at + 1, 0);
      // What is too much for the next claim is so whatever this one takes.
      return next === TOO_MANY ? false : next;
    }
    const [only] = alternatives;
    if (alternatives.length === 1 && only !== undefined && only.name === only.request) {
      turn.chosen[request] = only;
      return this.#device(at, request, only, 0);
    }
    let areAllTooMany = true;
    for (const wanted of alternatives) {
      turn.chosen[request] = wanted;
      const outcome = this.#device(at, request, wanted, 0);
      if (outcome === true) return true;
      areAllTooMany &&= outcome === TOO_MANY;
    }
    return areAllTooMany ? TOO_MANY : false;
  }

  /** From this device of the request on. */
  #device(at: number, request: number, wanted: Wanted, index: number): Outcome {
    if (++this.#steps > STEPS_MAX) throw new SearchExhausted();
    const turn = this.#turns[at] as Turn;
    if (wanted.all?.length === 0) return false;
    if (index >= wanted.count) return this.#request(at, request + 1);
    if (turn.given.length + wanted.count - index > REQUESTS_MAX) return TOO_MANY;
    if (wanted.all !== undefined) {
      const found = wanted.all[index] as Found;
      if (!this.#take(turn, wanted, found, true)) return false;
      const outcome = this.#device(at, request, wanted, index + 1);
      if (outcome !== true) this.#giveBack(turn, wanted, found);
      return outcome;
    }
    for (const pool of this.#pools) {
      if (pool.twice !== undefined) throw new AllocationError(`pool ${pool.pool} is invalid: duplicate device name ${pool.twice}`);
      for (const slice of pool.slices) {
        for (const device of devicesOf(slice)) {
          const found = { key: keyOf(pool, device), slice, device };
          if (this.#isTaken(turn, wanted, found) || !this.#isSelectable(turn.claim, wanted, found)) continue;
          if (!this.#take(turn, wanted, found, false)) continue;
          const outcome = this.#device(at, request, wanted, index + 1);
          if (outcome === true) return true;
          this.#giveBack(turn, wanted, found);
          if (outcome === TOO_MANY) return TOO_MANY;
        }
      }
    }
    return false;
  }

  /** Who only looks on may have what others have, but nothing twice. */
  #isTaken(turn: Turn, { isAdmin }: Wanted, { key }: Found): boolean {
    const claims = this.#allocating.get(key);
    return isAdmin ? claims?.has(turn) === true : this.#world.isInUse(key) || (claims?.size ?? 0) > 0;
  }

  /** `must`: there is no other way. */
  #take(turn: Turn, wanted: Wanted, found: Found, must: boolean): boolean {
    if (this.#isTaken(turn, wanted, found)) return false;
    const { driver } = found.slice.spec;
    for (const [index, constraint] of turn.constraints.entries()) {
      if (constraint.add(wanted, driver, found.device)) continue;
      if (must) {
        const own = wanted.name.slice(wanted.name.indexOf("/") + 1);
        const words = `cannot add device ${found.key} because a claim constraint would not be satisfied`;
        throw new AllocationError(`claim ${named(turn.claim)}, request ${own}: ${words}`);
      }
      for (const before of turn.constraints.slice(0, index)) before.remove(wanted);
      return false;
    }
    const claims = this.#allocating.get(found.key);
    if (claims === undefined) this.#allocating.set(found.key, new Set([turn]));
    else claims.add(turn);
    turn.given.push({ ...found, wanted });
    return true;
  }

  #giveBack(turn: Turn, wanted: Wanted, { key }: Found): void {
    for (const constraint of turn.constraints) constraint.remove(wanted);
    this.#allocating.get(key)?.delete(turn);
    turn.given.pop();
  }
}

function named({ metadata }: ResourceClaim): string {
  return metadata.namespace === undefined ? metadata.name : `${metadata.namespace}/${metadata.name}`;
}

function keyOf({ driver, pool }: DevicePool, { name }: Device): string {
  return deviceKey({ driver, pool, device: name });
}

function resultOf(turn: Turn): AllocationResult {
  const results = turn.given.map(({ wanted, slice, device }): DeviceRequestAllocationResult => {
    const { driver, pool } = slice.spec;
    return { request: wanted.name, driver, pool: pool.name, device: device.name, ...(wanted.isAdmin ? { adminAccess: true } : {}) };
  });
  const config = configurationsOf(turn);
  const nodeSelector = reachOf(turn.given);
  return {
    devices: { results, ...(config.length === 0 ? {} : { config }) },
    ...(nodeSelector === undefined ? {} : { nodeSelector }),
  };
}

/** First those of the classes, once a class; then the claim's own. */
function configurationsOf({ claim, chosen }: Turn): DeviceAllocationConfiguration[] {
  const requestsOf = new Map<string, { readonly of: DeviceClass; readonly requests: string[] }>();
  for (const { deviceClass, name } of chosen) {
    const known = requestsOf.get(deviceClass.metadata.name);
    if (known === undefined) requestsOf.set(deviceClass.metadata.name, { of: deviceClass, requests: [name] });
    else known.requests.push(name);
  }
  const ofClasses = [...requestsOf.values()].flatMap(({ of, requests }) =>
    (of.spec.config ?? []).map((config) => ({ source: "FromClass", requests, ...config })),
  );
  const ofClaim = (claim.spec.devices?.config ?? []).flatMap((config) => {
    const { requests = [] } = config;
    const times =
      requests.length === 0 ? 1 : chosen.filter(({ name, request }) => requests.includes(request) || requests.includes(name)).length;
    return Array.from({ length: times }, () => ({ source: "FromClaim", ...config }));
  });
  return [...ofClasses, ...ofClaim];
}

/** From where all of these devices can be reached; undefined: from everywhere. */
function reachOf(given: readonly Given[]): AllocationResult["nodeSelector"] {
  const term: NodeSelectorTerm = {};
  for (const { slice } of given) {
    const { nodeName, nodeSelector } = slice.spec;
    if (nodeName !== undefined) {
      const matchFields = [{ key: "metadata.name", operator: "In", values: [nodeName] }];
      return { nodeSelectorTerms: [{ matchFields }] };
    }
    const [wanted] = nodeSelector?.nodeSelectorTerms ?? [];
    for (const part of ["matchFields", "matchExpressions"] as const) {
      for (const requirement of wanted?.[part] ?? []) addRequirement(term, part, requirement);
    }
  }
  return Object.keys(term).length === 0 ? undefined : { nodeSelectorTerms: [term] };
}

function addRequirement(term: NodeSelectorTerm, part: "matchFields" | "matchExpressions", requirement: NodeSelectorRequirement): void {
  const same = ({ key, operator, values = [] }: NodeSelectorRequirement): boolean =>
    key === requirement.key &&
    operator === requirement.operator &&
    new Set([...values, ...(requirement.values ?? [])]).size === new Set(values).size &&
    new Set(values).size === new Set(requirement.values ?? []).size;
  const known = term[part] ?? [];
  if (!known.some(same)) term[part] = [...known, requirement];
}
