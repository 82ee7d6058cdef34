/** Milliseconds of CPU the calling thread has used. */
export function threadCpuMs(): number;
