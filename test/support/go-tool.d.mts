/** Path of a program of test/support/go, built when needed; null, said loudly, when it cannot be built here (with CI=true: throws). */
export function goTool(name: 'composecheck' | 'helmcheck'): string | null;
