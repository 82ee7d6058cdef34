export {
  createFileDurably,
  makeDirectoryDurably,
  readFileIfPresent,
  removeFileDurably,
  syncDirectory,
  writeFileDurably,
  type DurableFileOptions,
} from './durable.js';
export { lockDirectory, type DirectoryLock } from './lock.js';
