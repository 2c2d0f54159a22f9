import { expect } from "vitest";
import { runTroupe, type Troupe } from "../troupe.ts";

/** The token of the address that `troupe console` prints for the administrator. */
export async function administratorToken({ data, console: address }: Pick<Troupe, "data" | "console">): Promise<string> {
  const { code, stdout, stderr } = await runTroupe(["console", "--data", data]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const [place, token = ""] = stdout.trim().split("#token=");
  expect(place).toBe(address);
  return token;
}
