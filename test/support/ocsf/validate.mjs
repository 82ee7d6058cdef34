// Hands OCSF events to an independent validator (validate.py) with the schema of OCSF 1.9.0.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { OCSF_PACKAGES, pythonWith } from '../engines/python.mjs';

const script = fileURLToPath(new URL('validate.py', import.meta.url));

/** Null when there is no Python or no registry to get the schema from: the caller says so with `missing`. */
export function ocsfValidator() {
  const python = pythonWith(OCSF_PACKAGES);
  if (python === null) return null;
  return (lines) => {
    const { status, stdout, stderr } = spawnSync(python, [script], { input: lines.join('\n'), encoding: 'utf8', maxBuffer: 1 << 28 });
    if (status !== 0) throw new Error(`the OCSF validator ended with ${status}: ${stderr}`);
    return JSON.parse(stdout);
  };
}
