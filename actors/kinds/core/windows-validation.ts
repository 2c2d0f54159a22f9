/** What a pod for Windows may say, and what only such a pod may. Source: validateOS, validateWindows... of pkg/apis/core/validation. */
import { forbidden, invalid, notSupported, required } from "../field-error.ts";
import { namedBy } from "../field-rules.ts";
import type { Container, PodSpec, WindowsSecurityContextOptions } from "../generated/types.ts";
import { dnsSubdomain } from "../names.ts";
import type { FieldError } from "../status.ts";

const SYSTEMS: readonly string[] = ["linux", "windows"];
const CREDENTIAL_KIB_MAX = 64;
const DOMAIN_CHARS_MAX = 256;
const USER_CHARS_MAX = 104;
const NET_BIOS = /^[^\\/:*?"<>|.][^\\/:*?"<>|]{0,14}$/;
const DOMAIN = /^(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])(?:\.(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]))*$/;
const NOT_FOR_WINDOWS = "cannot be set for a windows pod";

/** All containers of a pod with where they stand, those that are for its beginning first. */
export function containersOf(spec: PodSpec, field: string): [container: Container, path: string][] {
  return (["initContainers", "containers", "ephemeralContainers"] as const).flatMap((list) =>
    (spec[list] ?? []).map((container, index): [Container, string] => [container as Container, `${field}.${list}[${index}]`]),
  );
}

function userProblems(name: string): string[] {
  if (name === "") return ["runAsUserName cannot be an empty string"];
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
  if (/[\u0000-\u001f\u007f]/.test(name)) return ["runAsUserName cannot contain control characters"];
  const parts = name.split("\\");
  if (parts.length > 2) return ["runAsUserName cannot contain more than one backslash"];
  const user = parts.at(-1) ?? "";
  const domain = parts.length === 2 ? (parts[0] ?? "") : undefined;
  const problems: string[] = [];
  if ((domain?.length ?? 0) >= DOMAIN_CHARS_MAX) {
    problems.push(`runAsUserName's Domain length must be under ${DOMAIN_CHARS_MAX} characters`);
  }
  if (domain !== undefined && !NET_BIOS.test(domain) && !DOMAIN.test(domain)) {
    problems.push("runAsUserName's Domain doesn't match the NetBios nor the DNS format");
  }
  if (user === "") problems.push("runAsUserName's User cannot be empty");
  if (user.length > USER_CHARS_MAX) problems.push(`runAsUserName's User length must not be longer than ${USER_CHARS_MAX} characters`);
  if (/^[. ]+$/.test(user)) problems.push("runAsUserName's User cannot contain only periods or spaces");
  if (/["/\\:;|=,+*?<>@[\]]/.test(user)) {
    problems.push(`runAsUserName's User cannot contain the following characters: "/\\:;|=,+*?<>@[]`);
  }
  return problems;
}

export function validateWindowsOptions(options: WindowsSecurityContextOptions | undefined, field: string): FieldError[] {
  if (options === undefined) return [];
  const { gmsaCredentialSpecName, gmsaCredentialSpec: spec, runAsUserName: user } = options;
  const errors = namedBy(dnsSubdomain, gmsaCredentialSpecName, `${field}.gmsaCredentialSpecName`);
  const path = `${field}.gmsaCredentialSpec`;
  if (spec === "") errors.push(invalid(path, spec, "gmsaCredentialSpec cannot be an empty string"));
  else if (spec !== undefined && spec.length > CREDENTIAL_KIB_MAX * 1_024) {
    errors.push(invalid(path, spec, `gmsaCredentialSpec size must be under ${CREDENTIAL_KIB_MAX} KiB`));
  }
  if (user !== undefined) errors.push(...userProblems(user).map((words) => invalid(`${field}.runAsUserName`, user, words)));
  return errors;
}

/** Containers that are processes of the node are so together. */
export function validateHostProcesses(spec: PodSpec, field: string): FieldError[] {
  const own = spec.securityContext?.windowsOptions?.hostProcess;
  const errors: FieldError[] = [];
  const containers = containersOf(spec, field);
  let count = 0;
  for (const [{ securityContext }, path] of containers) {
    const asked = securityContext?.windowsOptions?.hostProcess;
    if (own !== undefined && asked !== undefined && own !== asked) {
      const words = `pod hostProcess value must be identical if both are specified, was ${own}`;
      errors.push(invalid(`${path}.securityContext.windowsOptions.hostProcess`, asked, words));
    }
    if (asked ?? own ?? false) count++;
  }
  if (count === 0) return errors;
  if (count !== containers.length) {
    errors.push(invalid(field, "", "If pod contains any hostProcess containers then all containers must be HostProcess containers"));
  }
  if (spec.hostNetwork !== true) {
    errors.push(invalid(`${field}.hostNetwork`, false, "hostNetwork must be true if pod contains any hostProcess containers"));
  }
  return errors;
}

const POD_SECURITY = [
  "fsGroup",
  "fsGroupChangePolicy",
  "sysctls",
  "runAsUser",
  "runAsGroup",
  "supplementalGroups",
  "supplementalGroupsPolicy",
  "seLinuxChangePolicy",
] as const;
const CONTAINER_SECURITY = [
  "appArmorProfile",
  "seLinuxOptions",
  "seccompProfile",
  "capabilities",
  "readOnlyRootFilesystem",
  "privileged",
  "allowPrivilegeEscalation",
  "procMount",
  "runAsUser",
  "runAsGroup",
] as const;

/** What of Linux a pod for Windows says. */
function validateWindows(spec: PodSpec, field: string): FieldError[] {
  const context = spec.securityContext ?? {};
  const path = `${field}.securityContext`;
  const said = [
    ...(["appArmorProfile", "seLinuxOptions"] as const).filter((name) => context[name] !== undefined).map((name) => `${path}.${name}`),
    ...(spec.hostUsers === undefined ? [] : [`${field}.hostUsers`]),
    ...(["hostPID", "hostIPC"] as const).filter((name) => spec[name] === true).map((name) => `${field}.${name}`),
    ...(context.seccompProfile === undefined ? [] : [`${path}.seccompProfile`]),
    ...POD_SECURITY.filter((name) => context[name] !== undefined).map((name) => `${path}.${name}`),
    ...(spec.shareProcessNamespace === undefined ? [] : [`${field}.shareProcessNamespace`]),
    ...containersOf(spec, field).flatMap(([{ securityContext = {} }, at]) =>
      CONTAINER_SECURITY.filter((name) => securityContext[name] !== undefined).map((name) => `${at}.securityContext.${name}`),
    ),
  ];
  return said.map((one) => forbidden(one, NOT_FOR_WINDOWS));
}

function validateLinux(spec: PodSpec, field: string): FieldError[] {
  const words = "windows options cannot be set for a linux pod";
  const paths = containersOf(spec, field).filter(([{ securityContext }]) => securityContext?.windowsOptions !== undefined);
  const own = spec.securityContext?.windowsOptions === undefined ? [] : [field];
  return [...own, ...paths.map(([, path]) => path)].map((path) => forbidden(`${path}.securityContext.windowsOptions`, words));
}

/** The operating system that the pod is for, where it says so, and what goes with it. */
export function validateSystem(spec: PodSpec, field: string): FieldError[] {
  const { os } = spec;
  if (os === undefined) return [];
  if (!os.name) return [required(`${field}.os.name`)];
  if (!SYSTEMS.includes(os.name)) return [notSupported(`${field}.os`, os.name, SYSTEMS)];
  return os.name === "linux" ? validateLinux(spec, field) : validateWindows(spec, field);
}
