export {
  createFileDurably,
  makeDirectoryDurably,
  readFileIfPresent,
  removeFileDurably,
  syncDirectory,
  writeFileDurably,
  type DurableFileOptions,
} from './durable.js';
