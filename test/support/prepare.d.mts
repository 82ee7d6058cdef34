/** Installs and builds what a fresh clone lacks. */
export {};
