// First import of every runner: installs and builds what a fresh clone lacks, so that each command works by itself.
import { build } from '../../ops/run/build.mjs';
import { checkNode, install } from '../../ops/run/install.mjs';

const log = (line) => console.error(line);
checkNode();
install('all', log);
build(log);
