/** The release of Kubernetes whose API this is. */
export const KUBERNETES = { major: "1", minor: "34", patch: "0" } as const;

/** `version`: of this program. */
export function gitVersion(version: string): string {
  const { major, minor, patch } = KUBERNETES;
  return `v${major}.${minor}.${patch}+troupe-${version}`;
}
