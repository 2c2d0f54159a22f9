/** Shows what a program sees of files that come from the API: it prints them whenever they change, and serves them. */
import { readFileSync, realpathSync } from "node:fs";
import { createServer } from "node:http";
import { env, exit } from "node:process";

const LOOK_MS = 100;
/** Where containers have no paths of their own, variables say where their files are. */
const settingsAt = env.TROUPE_PATH_ETC_SETTINGS ?? "/etc/settings";
const credentialsAt = env.TROUPE_PATH_ETC_CREDENTIALS ?? "/etc/credentials";

/** All files of a volume change at once: one link, `..data`, leads to a directory of them all. */
function together(volume, names) {
  const directory = realpathSync(`${volume}/..data`);
  return Object.fromEntries(names.map((name) => [name, readFileSync(`${directory}/${name}`, "utf8")]));
}

let said = "";
let settings = {};
setInterval(() => {
  try {
    settings = together(settingsAt, ["colour", "shade"]);
    const { password } = together(credentialsAt, ["password"]);
    const now = `colour ${settings.colour}, shade ${settings.shade}, a password of ${password.length} characters`;
    if (now !== said) console.log(now);
    said = now;
  } catch (error) {
    // The directory was replaced while it was read: the next look sees the new one.
    if (error.code !== "ENOENT") throw error;
  }
}, LOOK_MS);

createServer((request, response) => {
  response.end(`${JSON.stringify(settings)}\n`);
  if (request.url !== "/crash") return;
  console.log("somebody asks for a crash");
  exit(3);
}).listen(8080, env.POD_IP);
