/** In the directory of pods: where the container runtime is that has them, for when nobody says it any more. */
export const CRI_FILE = "cri.json";
