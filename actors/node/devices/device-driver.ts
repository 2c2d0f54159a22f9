import { DRA_SERVICES, type DraService } from "./messages.ts";

/** What a driver of devices says that it is, when it registers. */
export const DRA_PLUGIN = "DRAPlugin";

export interface DeviceDriver {
  readonly name: string;
  readonly endpoint: string;
  readonly supportedVersions: readonly string[];
}

/** Throws, in kubelet's words, what keeps a driver from being used. Source: validateSupportedServices. */
export function checkDeviceDriver({ name, endpoint, supportedVersions }: DeviceDriver): void {
  const why = `invalid supported gRPC versions of DRA driver plugin ${name} at endpoint ${endpoint}: `;
  if (supportedVersions.length === 0) throw new Error(`${why}empty list of supported gRPC services (aka supported versions)`);
  if (serviceOfDriver(supportedVersions) !== undefined) return;
  const [theirs, ours] = [supportedVersions, Object.keys(DRA_SERVICES)].map(
    (services) => `[${services.map((service) => JSON.stringify(service)).join(" ")}]`,
  );
  throw new Error(`${why}none of services supported by the plugin (${theirs}) are supported by the kubelet (${ours})`);
}

/** The one that the driver names first. Undefined: none that is known. */
export function serviceOfDriver(supportedVersions: readonly string[]): DraService | undefined {
  const name = supportedVersions.find((version) => version in DRA_SERVICES);
  return name === undefined ? undefined : DRA_SERVICES[name];
}

/** The path of a socket that is given as such, or as a URL. */
export function socketOf(endpoint: string): string {
  return endpoint.replace(/^unix:(\/\/)?/, "");
}
