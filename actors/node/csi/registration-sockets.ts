import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";

/** A socket by which a plugin is found. */
export interface RegistrationSocket {
  readonly path: string;
  /** Another one when somebody else listens at the same path. */
  readonly id: string;
}

/** The sockets in a node's directory of plugins, without those that hide. */
export async function registrationSockets(directory: string): Promise<readonly RegistrationSocket[]> {
  const entries = await readdir(directory, { withFileTypes: true, recursive: true }).catch(() => []);
  const sockets = entries.filter((entry) => entry.isSocket() && !entry.name.startsWith("."));
  const found = sockets.map(async ({ parentPath, name }): Promise<RegistrationSocket[]> => {
    const path = join(parentPath, name);
    const about = await stat(path).catch(() => undefined);
    return about === undefined ? [] : [{ path, id: `${about.ino} ${about.ctimeMs}` }];
  });
  return (await Promise.all(found)).flat();
}
