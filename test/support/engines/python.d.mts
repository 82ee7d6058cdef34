export declare const OCSF_PACKAGES: readonly string[];
export declare const KAFKA_PACKAGES: readonly string[];
export declare const CLICKHOUSE_PACKAGES: readonly string[];
export declare function pythonWith(packages: readonly string[]): string | null;
export declare const ORACLE_PACKAGES: readonly string[];
