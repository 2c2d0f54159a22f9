import type { Device, DeviceAttribute, DeviceConstraint } from "../../kinds/generated/types.ts";

/** Who asks: the request, and `request/alternative` where it has alternatives. */
export interface Asking {
  readonly name: string;
  readonly request: string;
}

/** What the devices of a claim have to have in common, or may not, kept while they are chosen. Source: matchAttributeConstraint, distinctAttributeConstraint. */
export class ConstraintTally {
  readonly #requests: ReadonlySet<string>;
  readonly #attribute: string;
  readonly #isDistinct: boolean;
  /** The values so far, in the order in which devices came. */
  readonly #values: string[] = [];

  constructor({ requests = [], matchAttribute, distinctAttribute }: DeviceConstraint) {
    this.#requests = new Set(requests);
    this.#attribute = matchAttribute ?? distinctAttribute ?? "";
    this.#isDistinct = matchAttribute === undefined;
  }

  /** False: the device must not be one of them. */
  add(asking: Asking, driver: string, device: Device): boolean {
    if (!this.#concerns(asking)) return true;
    const attribute = attributeOf(device, driver, this.#attribute);
    if (attribute === undefined) return false;
    const value = JSON.stringify(attribute);
    if (this.#isDistinct ? this.#values.includes(value) : this.#values.length > 0 && this.#values[0] !== value) return false;
    this.#values.push(value);
    return true;
  }

  /** Takes back the device that was added last. */
  remove(asking: Asking): void {
    if (this.#concerns(asking)) this.#values.pop();
  }

  #concerns({ name, request }: Asking): boolean {
    return this.#requests.size === 0 || this.#requests.has(request) || this.#requests.has(name);
  }
}

/** By its full name; attributes of the driver's own need not say the domain. */
function attributeOf({ attributes = {} }: Device, driver: string, name: string): DeviceAttribute | undefined {
  if (Object.hasOwn(attributes, name)) return attributes[name];
  const own = name.startsWith(`${driver}/`) ? name.slice(driver.length + 1) : undefined;
  return own !== undefined && Object.hasOwn(attributes, own) ? attributes[own] : undefined;
}
