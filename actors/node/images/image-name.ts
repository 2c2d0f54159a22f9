import { RuntimeFailure } from "../container-runtime.ts";

/** Source: distribution/reference: a host where there is one, a path of lower-case parts, a tag, a digest. */
const PART = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*";
const HOST = "(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?";
const REFERENCE = new RegExp(`^(?:${HOST}/)?${PART}(?:/${PART})*(:[\\w][\\w.-]{0,127})?(@[A-Za-z][A-Za-z0-9]*:[0-9a-fA-F]{32,})?$`);
const REPOSITORY_CHARS_MAX = 255;

/** The name with a tag where it has neither a tag nor a digest. Throws RuntimeFailure. Source: kubelet's applyDefaultImageTag. */
export function taggedImage(image: string): string {
  const found = REFERENCE.exec(image);
  const repository = image.replace(/@.*$/, "").replace(/:[^/:]*$/, "");
  if (found === null || repository.length > REPOSITORY_CHARS_MAX) {
    const why = `couldn't parse image name ${JSON.stringify(image)}: invalid reference format`;
    throw new RuntimeFailure("InvalidImageName", `Failed to apply default image tag ${JSON.stringify(image)}: ${why}`);
  }
  const [, tag, digest] = found;
  return tag === undefined && digest === undefined ? `${image}:latest` : image;
}
