/**
 * Replaces `$(NAME)` by what the name stands for; unknown names stay as they are written, and `$$` is a `$` of which nothing begins.
 * Source: https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/
 */
export function expanded(text: string, resolve: (name: string) => string | undefined): string {
  return text.replace(/\$\$|\$\(([^)]*)\)/g, (written, name: string | undefined) => {
    if (name === undefined) return "$";
    return resolve(name) ?? written;
  });
}
