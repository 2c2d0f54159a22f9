import { describe, expect, test } from "vitest";
import { parseDensityFlags } from "../../../bench/driver/density-flags.ts";
import { BenchFailure } from "../../../bench/failure.ts";

describe("flags of the density suite", () => {
  test("defaults", () => {
    expect(parseDensityFlags(["--kubeconfig", "k"])).toEqual({
      kubeconfig: "k",
      pods: 1000,
      shape: "basic",
      concurrency: 64,
      namespace: "density",
      until: "running",
      timeout_s: 600,
      keep: false,
      json: false,
    });
  });

  test.each([
    [[], /--kubeconfig FILE is missing/],
    [["--kubeconfig", "k", "--pods", "0"], /--pods 0 is not a whole number from 1/],
    [["--kubeconfig", "k", "--pods", "1e3"], /--pods 1e3 is not/],
    [["--kubeconfig", "k", "--concurrency", "-1"], /--concurrency/],
    [["--kubeconfig", "k", "--shape", "round"], /--shape round is none of basic/],
    [["--kubeconfig", "k", "--until", "done"], /--until done is none of scheduled, running/],
    [["--kubeconfig", "k", "--namespace", "A/B"], /is not a name that a namespace can have/],
    [["--kubeconfig", "k", "--fast"], /Unknown option '--fast'/],
    [["--kubeconfig", "k", "extra"], /extra/],
  ])("wrong: %j", (args, words) => {
    const failure = catchFailure(() => parseDensityFlags(args));
    expect(failure.message).toMatch(words);
    expect(failure.message).not.toContain("\n");
    expect(failure.exitCode).toBe(2);
  });
});

function catchFailure(work: () => unknown): BenchFailure {
  try {
    work();
  } catch (error) {
    if (error instanceof BenchFailure) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}
