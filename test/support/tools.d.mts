export declare const cacheRoot: string;
export declare function missing(what: string, why: string): void;
export declare function npmProject(name: string, folder: string): string;

export function ensureDebian(present: () => boolean, packages: readonly string[]): boolean;
