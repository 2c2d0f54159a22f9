/** npm says so to what it starts: scripts of a package.json, and what npx runs. */
const BY_NPM = process.env.npm_execpath !== undefined;
/** In a package the types are taken out. */
const IN_A_CLONE = import.meta.filename.endsWith(".ts");

/** How who started this program can start it again with this command line: as a script of the clone, with npx, or by its name. */
export function typed(line = ""): string {
  if (!IN_A_CLONE) return `${BY_NPM ? "npx " : ""}troupe ${line}`.trimEnd();
  if (line === "up") return "npm start";
  return line.startsWith("up ") ? `npm start -- ${line.slice("up ".length)}` : `npm run troupe -- ${line}`.trimEnd();
}
