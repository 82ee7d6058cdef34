export { packageRoot, packageVersion } from './package-root.js';
export type * from './types.js';
