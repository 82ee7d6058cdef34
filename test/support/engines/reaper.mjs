// Kills what this process started when this process dies, however it dies: a shell that reads a pipe we hold open. It has a session of its own,
// so that Ctrl-C does not take it before its work is done, and ends with the pipe.
import { spawn } from 'node:child_process';

const SCRIPT = `
pids=""
while read -r op what; do
  case "$op" in
    add) pids="$pids $what" ;;
    drop) left=""; for pid in $pids; do [ "$pid" = "$what" ] || left="$left $pid"; done; pids="$left" ;;
  esac
done
[ -z "$pids" ] || kill -9 $pids 2>/dev/null
rm -rf -- "$1"
`;

/** @param {string} directory removed when the reaper ends */
export function startReaper(directory) {
  const shell = spawn('/bin/sh', ['-c', SCRIPT, 'reaper', directory], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
  shell.stdin.on('error', () => {});
  shell.unref();
  shell.stdin.unref?.();
  return {
    add: (pid) => shell.stdin.write(`add ${pid}\n`),
    drop: (pid) => shell.stdin.write(`drop ${pid}\n`),
    /** Kills what is left, removes the directory, resolves when done. */
    end: () =>
      new Promise((resolve) => {
        shell.ref();
        shell.once('exit', resolve);
        shell.stdin.end();
      }),
  };
}
