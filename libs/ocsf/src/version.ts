export const OCSF_VERSION = '1.9.0';
