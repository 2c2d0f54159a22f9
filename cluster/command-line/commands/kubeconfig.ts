import { KUBECONFIG_FLAGS, parseKubeconfigFlags } from "../../kubeconfig/flags.ts";
import { type Command, DONE } from "../command.ts";

export const kubeconfig: Command = {
  summary: "a kubeconfig for kubectl, for yourself or for others",
  about:
    "Prints the administrator's kubeconfig, or makes one for somebody else; what they may do is for roles to say (kubectl create rolebinding).",
  flags: KUBECONFIG_FLAGS,
  examples: [
    { line: "kubeconfig --merge", does: "kubectl reaches the cluster from now on" },
    { line: "kubeconfig --user ada --group developers --file ada.kubeconfig", does: "for the user ada, for a day" },
    { line: "kubeconfig --service-account ci/deployer --ttl 1h", does: "for a pipeline" },
  ],
  run: async (args) => {
    const flags = parseKubeconfigFlags(args);
    const { runKubeconfig } = await import("../../kubeconfig/kubeconfig.ts");
    process.stdout.write(await runKubeconfig(flags));
    return DONE;
  },
};
