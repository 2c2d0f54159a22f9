import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { basename, dirname, extname, join, relative, resolve } from "node:path";
import ts from "typescript";

/**
 * Makes dist/, the program of a package: Node takes the types out of no file below node_modules, so they are taken out here. Each module keeps its place, its
 * lines and its columns, under a name that ends in .js; what a module reads beside itself lies beside it again. `npm pack` runs this before it packs.
 */

const ROOT = dirname(dirname(import.meta.dirname));
const DIST = join(ROOT, "dist");
const ROOMS = ["runtime", "scheduler-core", "actors", "cluster", "client", "bench"];
/** Types that others are given: of the client, and what it has of the house. */
const TYPED = [...filesBelow("client"), "actors/kinds/object.ts", "actors/kinds/generated/types.ts"].filter((path) => path.endsWith(".ts"));
/** Sources for browsers: the program reads them as they are, and some of them it imports. */
const READ_TOO = "cluster/console/web/";
/** The launcher lies in the package as it is, and what makes sources is for those who have them. */
const LEFT_OUT = [
  /^cluster\/setup\//,
  /^cluster\/troupe\.mjs$/,
  /^client\/index\.mjs$/,
  /\/tsconfig\.json$/,
  /^actors\/kinds\/generate[a-z-]*\.ts$/,
];
/** A text that begins as the path of a module does, and ends so. */
const NAMES_A_MODULE = /(["'])(\.{1,2}\/[^"'\n]*)\.ts\1/g;
/** All that is left of a module that holds types alone. Nobody imports it: an import of types goes with the types. */
const EMPTY = /^(?:\s|;|\/\/[^\n]*|\/\*(?:[^*]|\*(?!\/))*\*\/|export\s*\{\s*\})*$/;

/** @param {string} folder */
function filesBelow(folder) {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)).replaceAll("\\", "/"));
}

/** @param {string} path @param {string} to */
function writeModule(path, to) {
  const source = join(ROOT, path);
  const text = stripTypeScriptTypes(readFileSync(source, "utf8"));
  if (EMPTY.test(text)) return;
  const file = join(to, dirname(path), `${basename(path, ".ts")}.js`);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, renamed(text, dirname(source)));
}

/** @param {string} path @param {string} to */
function writeTypes(path, to) {
  const source = join(ROOT, path);
  const { outputText } = ts.transpileDeclaration(readFileSync(source, "utf8"), { fileName: path });
  const file = join(to, path.replace(/ts$/, "d.ts"));
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, renamed(outputText, dirname(source)));
}

/** A module's text with the modules that it names called .js: as long as before, so columns stay. @param {string} text @param {string} folder of the module */
function renamed(text, folder) {
  return text.replaceAll(NAMES_A_MODULE, (whole, quote, name) =>
    existsSync(resolve(folder, `${name}.ts`)) ? `${quote}${name}.js${quote}` : whole,
  );
}

const making = `${DIST}.${process.pid}`;
try {
  for (const path of ROOMS.flatMap(filesBelow)) {
    if (LEFT_OUT.some((pattern) => pattern.test(path))) continue;
    if (extname(path) === ".ts") writeModule(path, making);
    if (extname(path) !== ".ts" || path.startsWith(READ_TOO)) cpSync(join(ROOT, path), join(making, path));
  }
  for (const path of TYPED) writeTypes(path, making);
  rmSync(DIST, { recursive: true, force: true });
  renameSync(making, DIST);
} finally {
  rmSync(making, { recursive: true, force: true });
}
