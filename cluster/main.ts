import { BootFailure } from "./boot/failure.ts";
import { FAILED, WRONG_USAGE } from "./command-line/command.ts";
import { COMMANDS } from "./command-line/commands.ts";
import { dispatch } from "./command-line/dispatch.ts";
import { WrongUsage } from "./command-line/wrong-usage.ts";

dispatch(COMMANDS, process.argv.slice(2)).then(
  (code) => process.exit(code),
  (error: unknown) => {
    if (error instanceof WrongUsage) {
      console.error(`troupe: ${error.message}`);
      process.exit(WRONG_USAGE);
    }
    console.error(error instanceof BootFailure ? `troupe: ${error.message}` : `troupe: ${(error as Error).stack ?? error}`);
    process.exit(FAILED);
  },
);
