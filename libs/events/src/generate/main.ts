import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '#config';
import { generateTypes } from './generate-types.js';

writeFileSync(join(packageRoot, 'libs/events/src/types.ts'), generateTypes());
