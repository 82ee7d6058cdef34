/** Path of a program of a Go module (test/support/go by default), built when needed; null, said loudly, when it cannot be built here (with CI=true: throws). */
export function goTool(name: string, folder?: string): string | null;
