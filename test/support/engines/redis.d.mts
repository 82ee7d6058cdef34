import type { TestEngine } from './engine.d.mts';

export type TestRedis = TestEngine;

/** False, with a loud word, when Redis is not installed (with CI=true: throws). */
export function hasRedis(): boolean;
/** AOF with fsync at every write, unless `settings` say otherwise. */
export function startRedis(options?: { readonly settings?: Readonly<Record<string, string>> }): Promise<TestRedis>;
