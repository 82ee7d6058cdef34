// CPU and memory of a process tree, from /proc. Linux only.
import { readFileSync, readdirSync } from 'node:fs';

const TICKS_PER_SECOND = 100;

function stat(pid) {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return {
      parent: Number(fields[1]),
      cpuMs: ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS_PER_SECOND,
      rss: Number(fields[21]) * 4096,
    };
  } catch {
    return null;
  }
}

/** {cpuMs, rssBytes, pids} summed over `pid` and all its descendants. */
export function processTree(pid) {
  const all = new Map();
  for (const name of readdirSync('/proc')) if (/^\d+$/.test(name)) all.set(Number(name), stat(Number(name)));
  const wanted = new Set([pid]);
  for (let grew = true; grew;) {
    grew = false;
    for (const [child, info] of all) {
      if (info !== null && wanted.has(info.parent) && !wanted.has(child)) {
        wanted.add(child);
        grew = true;
      }
    }
  }
  const infos = [...wanted].map((each) => all.get(each)).filter((info) => info !== undefined && info !== null);
  return {
    cpuMs: infos.reduce((sum, info) => sum + info.cpuMs, 0),
    rssBytes: infos.reduce((sum, info) => sum + info.rss, 0),
    pids: [...wanted],
  };
}

/** CPU of all threads of a process tree that still run, in microseconds' precision: for spans that the ticks of `processTree` are too coarse for. */
export function threadCpuMs(pid) {
  let nanoseconds = 0;
  for (const each of processTree(pid).pids) {
    try {
      for (const thread of readdirSync(`/proc/${each}/task`)) {
        const [ran] = readFileSync(`/proc/${each}/task/${thread}/schedstat`, 'utf8').split(' ');
        nanoseconds += Number(ran);
      }
    } catch {
      // It ended meanwhile.
    }
  }
  return nanoseconds / 1e6;
}

export const percentile = (values, p) => {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted.length === 0 ? NaN : sorted[Math.min(sorted.length - 1, Math.floor((p / 100) * sorted.length))];
};

export const median = (values) => percentile(values, 50);
