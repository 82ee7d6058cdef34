export { checkPolicyFile, type PolicyCheck } from './check.js';
export { compileInput, type CompiledInput, type PolicyInput, type PolicyProblem } from './compile.js';
export { maskStreamLines, type MaskLinesOptions } from './mask-lines.js';
export { compilePolicySet } from './policy-set.js';
export type * from './port.js';
