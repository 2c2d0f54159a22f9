import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { findPackageJSON, stripTypeScriptTypes } from "node:module";
import { dirname, extname, join, posix } from "node:path";
import { parentPort } from "node:worker_threads";
import { brotliCompressSync, constants } from "node:zlib";
import { typed } from "../command-line/typed.ts";
import type { FirstContent, SiteFile, SiteFiles } from "./site.ts";

/**
 * Makes the console's files out of the sources, on a thread of its own: they cost half a second of a processor, and the gateway none. Browsers get the TypeScript
 * without its types, line by line as it was written, and the libraries as their packages have them. What the first view needs comes first.
 */

const WEB = join(import.meta.dirname, "web");
const TYPES: Readonly<Record<string, string>> = {
  ".ts": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};
const JAVASCRIPT = "text/javascript; charset=utf-8";
const STYLE = "web/style.css";
const BROTLI_QUALITY = 9;
/** The window is as large as the file: a larger one has to be cleared, which for so many small files is most of the work. */
const BROTLI_WINDOW_BITS = { min: 16, max: 22 };
/** What is smaller travels in one packet either way. */
const COMPRESSED_BYTES_MIN = 512;

/** Modules of lit-html that the console imports, and those that they import. */
const LIT = [
  "lit-html.js",
  "directive.js",
  "directives/repeat.js",
  "directives/class-map.js",
  "directives/live.js",
  "directive-helpers.js",
];

function webFiles(): Map<string, SiteFile> {
  const files = new Map<string, SiteFile>();
  for (const name of readdirSync(WEB, { recursive: true, encoding: "utf8" })) {
    const type = TYPES[extname(name)];
    if (type === undefined) continue;
    const text = readFileSync(join(WEB, name), "utf8");
    files.set(`web/${name.replaceAll("\\", "/")}`, fileOf(type, name.endsWith(".ts") ? stripTypeScriptTypes(text) : text));
  }
  return files;
}

/** Of the libraries, what the first view needs, and the styles that stand in the page. */
function firstOfLibraries(): Map<string, SiteFile> {
  const files = new Map<string, SiteFile>();
  const lit = folderOf("lit-html");
  for (const name of LIT) files.set(`lib/lit-html/${name}`, fileOf(JAVASCRIPT, withoutMap(readFileSync(join(lit, name), "utf8"))));
  const style = TYPES[".css"] ?? "";
  files.set("lib/uplot.css", fileOf(style, readFileSync(join(folderOf("uplot"), "dist/uPlot.min.css"), "utf8")));
  files.set("lib/xterm.css", fileOf(style, readFileSync(join(folderOf("@xterm/xterm"), "css/xterm.css"), "utf8")));
  return files;
}

function restOfLibraries(): Map<string, SiteFile> {
  const files = new Map<string, SiteFile>();
  // The package's own module is not minified.
  const uplot = readFileSync(join(folderOf("uplot"), "dist/uPlot.iife.min.js"), "utf8");
  files.set("lib/uplot.js", fileOf(JAVASCRIPT, `${uplot}\nexport default uPlot;\n`));
  const xterm = join(folderOf("@xterm/xterm"), "lib/xterm.mjs");
  files.set("lib/xterm.js", fileOf(JAVASCRIPT, withoutMap(readFileSync(xterm, "utf8"))));
  const fit = join(folderOf("@xterm/addon-fit"), "lib/addon-fit.mjs");
  files.set("lib/xterm-fit.js", fileOf(JAVASCRIPT, withoutMap(readFileSync(fit, "utf8"))));
  addModules(files, "lib/yaml/", join(folderOf("yaml"), "browser/dist"), "index.js");
  return files;
}

/** Adds a package's module and all that it imports of its own, without the comments, which are a fifth of it. */
function addModules(files: Map<string, SiteFile>, below: string, folder: string, name: string): void {
  const path = `${below}${name}`;
  if (files.has(path)) return;
  const text = readFileSync(join(folder, name), "utf8");
  files.set(path, fileOf(JAVASCRIPT, stripTypeScriptTypes(text, { mode: "transform" })));
  for (const [, specifier = ""] of text.matchAll(/from '(\.[^']+)'/g))
    addModules(files, below, folder, posix.join(posix.dirname(name), specifier));
}

/** Where a package is installed. */
function folderOf(name: string): string {
  const manifest = findPackageJSON(name, import.meta.url);
  if (manifest === undefined) throw new Error(`the package ${name} is not installed`);
  return dirname(manifest);
}

function withoutMap(text: string): string {
  return text.replace(/^\/\/# sourceMappingURL=.*$/m, "");
}

/** Where the browser finds what is imported by a package's name. */
const PACKAGES: Readonly<Record<string, string>> = {
  "lit-html": "/console/lib/lit-html/lit-html.js",
  "lit-html/": "/console/lib/lit-html/",
  uplot: "/console/lib/uplot.js",
  "@xterm/xterm": "/console/lib/xterm.js",
  "@xterm/addon-fit": "/console/lib/xterm-fit.js",
  yaml: "/console/lib/yaml/index.js",
};
const IMPORTS = JSON.stringify({ imports: PACKAGES });

/** What is needed for the first view that most see: the program, the map, and all that these import. */
const FIRST = ["web/main.ts", "web/views/map.ts"];

/** The modules that these import, and those that they import in turn, themselves among them; not what is imported when it is asked for. */
function withImports(paths: readonly string[], files: ReadonlyMap<string, SiteFile>): readonly string[] {
  const found = new Set(paths);
  for (const path of found) {
    const text = Buffer.from(files.get(path)?.plain ?? []).toString();
    for (const [, specifier = ""] of text.matchAll(/\bfrom\s*"([^"]+)"/g)) {
      const [name = ""] = specifier.split("/", 1);
      const known = PACKAGES[specifier] ?? (PACKAGES[`${name}/`] ?? "") + specifier.slice(name.length + 1);
      const { pathname } = new URL(specifier.startsWith(".") ? specifier : known, `https://console/console/${path}`);
      const imported = pathname.slice("/console/".length);
      if (files.has(imported)) found.add(imported);
    }
  }
  return [...found];
}

/** `modules` are fetched with the page, not one after the other as each is found to be imported. */
function pageOf(modules: readonly string[], styles: readonly string[]): string {
  return `<!doctype html>
<html lang="en" data-command="${typed("console")}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Troupe</title>
<link rel="icon" href="/console/web/icon.svg" type="image/svg+xml">
${styles.map((path) => `<link rel="stylesheet" href="/console/${path}">`).join("\n")}
<script type="importmap">${IMPORTS}</script>
${modules.map((path) => `<link rel="modulepreload" href="/console/${path}">`).join("\n")}
<script type="module" src="/console/web/main.ts"></script>
</head>
<body>
<div id="app"><noscript>The console needs JavaScript. kubectl does not.</noscript></div>
</body>
</html>
`;
}

function fileOf(type: string, text: string): SiteFile {
  const plain = Buffer.from(text);
  const etag = `"${createHash("sha256").update(plain).digest("base64url")}"`;
  if (plain.length < COMPRESSED_BYTES_MIN) return { type, etag, plain };
  const { min, max } = BROTLI_WINDOW_BITS;
  const brotli = brotliCompressSync(plain, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY,
      [constants.BROTLI_PARAM_LGWIN]: Math.min(max, Math.max(min, Math.ceil(Math.log2(plain.length)))),
    },
  });
  return { type, etag, plain, brotli };
}

// It says that the stripping of types is experimental, which whoever starts Troupe cannot change.
process.removeAllListeners("warning");
const files = new Map([...webFiles(), ...firstOfLibraries()]);
/** The frame's own comes before those of views. */
const styles = [STYLE, ...[...files.keys()].filter((path) => path.endsWith(".css") && path !== STYLE)];
parentPort?.postMessage({
  page: fileOf("text/html; charset=utf-8", pageOf(withImports(FIRST, files), styles)),
  allowedScript: `'sha256-${createHash("sha256").update(IMPORTS).digest("base64")}'`,
  files,
} satisfies FirstContent);
parentPort?.postMessage(restOfLibraries() satisfies SiteFiles);
