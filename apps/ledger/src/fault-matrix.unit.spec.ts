import { faultMatrix } from './testing/fault-matrix.contract.js';

faultMatrix('in memory');
