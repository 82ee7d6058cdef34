export { childEnvironment, environment, environmentSecret, type Environment } from './environment.js';
export { configJsonSchema } from './json-schema.js';
export { loadConfig, watchConfig } from './load.js';
export { packageRoot, packageVersion } from './package-root.js';
export { checkConfig, parseConfig, type CheckedConfig, type ConfigProblem } from './parse.js';
export { defaultConfig, demoConfig } from './presets.js';
export { resolveSecret } from './resolve-secret.js';
export { configSchema } from './schema.js';
export type * from './types.js';
